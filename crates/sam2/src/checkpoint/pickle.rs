//! A pickle reader that knows tensors and nothing else: the state dictionary of a checkpoint.
//!
//! A pickle is a program. This machine runs only the instructions that describe dictionaries, tuples,
//! lists, numbers and strings, and knows five names: those that `torch.save` uses for tensors. Any
//! other name is refused before anything is done with it. Values live in one arena and refer to each
//! other by index, so neither cycles nor deep nesting can overflow a stack, and memory stays within
//! a small multiple of the pickle's own length.

use std::collections::{BTreeMap, HashMap};

use super::CheckpointError;
use super::globals::{Global, global};
use super::input::Input;

/// How a tensor's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    /// Integers and booleans, which no weight of the network has.
    Other,
}

/// A tensor as the pickle describes it; its numbers lie in the archive entry `storage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TensorRecord {
    pub(super) element: Element,
    pub(super) storage: String,
    /// First element, counted from the start of the storage.
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    /// Elements between neighbours along each axis.
    pub(super) strides: Vec<u64>,
}

/// Reads the tensors under `"model"`.
///
/// # Errors
/// [`CheckpointError::Pickle`] with the position and what stands there.
pub(super) fn state_dict(pickle: &[u8]) -> Result<BTreeMap<String, TensorRecord>, CheckpointError> {
    let mut machine = Machine { input: Input::new(pickle), ..Machine::default() };
    let root = loop {
        if let Some(root) = machine.step().map_err(|what| machine.fault(&what))? {
            break root;
        }
    };
    machine.named_tensors(root).map_err(|what| machine.fault(&what))
}

/// Longest name of a storage; `torch.save` numbers them.
const MAX_KEY: usize = 32;
/// Longest name of a tensor; the network's longest has 80 letters. Names stand in errors.
const MAX_NAME: usize = 256;
/// Most axes of a tensor; a weight has four.
const MAX_AXES: usize = 8;

type Id = usize;

enum Value<'a> {
    None,
    Int(i64),
    /// A number or flag that no tensor record needs.
    Plain,
    Text(&'a str),
    Tuple(Vec<Id>),
    List,
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage {
        element: Element,
        key: &'a str,
    },
    Tensor(Box<TensorRecord>),
}

#[derive(Default)]
struct Machine<'a> {
    input: Input<'a>,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

pub(super) type Step<T> = Result<T, String>;

impl<'a> Machine<'a> {
    fn fault(&self, what: &str) -> CheckpointError {
        CheckpointError::Pickle { at: self.input.at(), what: what.to_owned() }
    }

    /// Runs one instruction; returns the result when the program stops.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.input.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => self.input.take(1).map(drop)?,
            0x95 => self.input.take(8).map(drop)?,
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.pop().map(drop)?,
            code @ (b'q' | b'r' | 0x94 | b'h' | b'j') => self.memory(code)?,
            code @ (b't' | b')' | 0x85..=0x87) => self.tuple(code)?,
            code @ (b'}' | b']' | b's' | b'u' | b'a' | b'e') => self.collection(code)?,
            code @ (b'c' | 0x93 | b'R' | b'b' | b'Q') => self.object(code)?,
            code => self.scalar(code)?,
        }
        Ok(None)
    }

    fn memory(&mut self, code: u8) -> Step<()> {
        let key = match code {
            b'q' | b'h' => u32::from(self.input.byte()?),
            b'r' | b'j' => self.input.u32()?,
            _ => u32::try_from(self.memo.len()).map_err(|_many| "too many values".to_owned())?,
        };
        if matches!(code, b'h' | b'j') {
            let id = *self.memo.get(&key).ok_or_else(|| format!("no value is kept as {key}"))?;
            self.stack.push(id);
        } else {
            self.memo.insert(key, self.top()?);
        }
        Ok(())
    }

    fn tuple(&mut self, code: u8) -> Step<()> {
        let items = match code {
            b')' => Vec::new(),
            b't' => self.pop_mark()?,
            _ => {
                let count = usize::from(code - 0x84);
                let start = self.stack.len().checked_sub(count).filter(|it| *it >= self.floor());
                self.stack.split_off(start.ok_or("the stack is empty")?)
            }
        };
        self.push(Value::Tuple(items));
        Ok(())
    }

    fn collection(&mut self, code: u8) -> Step<()> {
        match code {
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List),
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.top_dict()?.push((key, value));
            }
            b'u' => {
                let items = self.pop_mark()?;
                let pairs = items.chunks_exact(2).map(|it| (it[0], it[1]));
                self.top_dict()?.extend(pairs);
            }
            // What a list holds is never asked for: no tensor record contains one.
            b'a' => self.pop().map(drop)?,
            _ => self.pop_mark().map(drop)?,
        }
        Ok(())
    }

    fn object(&mut self, code: u8) -> Step<()> {
        match code {
            b'c' => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                self.push(Value::Global(global(module, name)?));
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                let found = global(self.text(module)?, self.text(name)?)?;
                self.push(Value::Global(found));
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(storage);
            }
            b'R' => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let made = self.call(function, arguments)?;
                self.push(made);
            }
            // An OrderedDict's attributes: `_metadata`, the modules' format numbers. Not needed.
            _ => {
                self.pop()?;
                self.top_dict()?;
            }
        }
        Ok(())
    }

    fn scalar(&mut self, code: u8) -> Step<()> {
        let value = match code {
            b'N' => Value::None,
            0x88 | 0x89 => Value::Plain,
            b'G' => self.input.take(8).map(|_float| Value::Plain)?,
            b'K' => Value::Int(i64::from(self.input.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.input.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.input.array()?))),
            0x8a => self.long()?,
            b'X' => {
                let bytes = self.input.u32()? as usize;
                self.string(bytes)?
            }
            0x8c => {
                let bytes = usize::from(self.input.byte()?);
                self.string(bytes)?
            }
            other => return Err(format!("instruction {other:#04x} is none that weights need")),
        };
        self.push(value);
        Ok(())
    }

    /// A whole number of up to eight bytes, least significant first.
    fn long(&mut self) -> Step<Value<'a>> {
        let count = usize::from(self.input.byte()?);
        let bytes = self.input.take(count)?;
        if count > 8 {
            return Err("a number has more than eight bytes".to_owned());
        }
        let negative = bytes.last().is_some_and(|it| it & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..count].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(wide)))
    }

    fn string(&mut self, bytes: usize) -> Step<Value<'a>> {
        let text = std::str::from_utf8(self.input.take(bytes)?);
        text.map(Value::Text).map_err(|_bytes| "a string is not UTF-8".to_owned())
    }

    /// `('storage', type, key, device, count)`: where a tensor's numbers are.
    fn storage(&self, id: Id) -> Step<Value<'a>> {
        let Value::Tuple(items) = &self.values[id] else {
            return Err("a storage is no tuple".to_owned());
        };
        let [kind, storage_type, key, ..] = items[..] else {
            return Err("a storage has too few items".to_owned());
        };
        let (Value::Global(Global::Storage(element)), "storage") =
            (&self.values[storage_type], self.text(kind)?)
        else {
            return Err("a storage is of no known type".to_owned());
        };
        let key = self.text(key)?;
        if key.len() > MAX_KEY {
            return Err("a storage has a long name".to_owned());
        }
        Ok(Value::Storage { element: *element, key })
    }

    fn call(&self, function: Id, arguments: Id) -> Step<Value<'a>> {
        let (Value::Global(function), Value::Tuple(arguments)) =
            (&self.values[function], &self.values[arguments])
        else {
            return Err("a call without a known name".to_owned());
        };
        match function {
            Global::OrderedDict if arguments.is_empty() => Ok(Value::Dict(Vec::new())),
            Global::OrderedDict => Err("an OrderedDict with arguments".to_owned()),
            Global::RebuildTensor => self.tensor(arguments),
            Global::RebuildParameter => match arguments.first().map(|it| &self.values[*it]) {
                Some(Value::Tensor(record)) => Ok(Value::Tensor(record.clone())),
                _ => Err("a parameter without a tensor".to_owned()),
            },
            Global::Storage(_) => Err("a storage is called".to_owned()),
        }
    }

    fn tensor(&self, arguments: &[Id]) -> Step<Value<'a>> {
        let [storage, offset, shape, strides, ..] = arguments[..] else {
            return Err("a tensor has too few arguments".to_owned());
        };
        let Value::Storage { element, key } = self.values[storage] else {
            return Err("a tensor without a storage".to_owned());
        };
        let record = TensorRecord {
            element,
            storage: key.to_owned(),
            offset: self.count(offset)?,
            shape: self.counts(shape)?,
            strides: self.counts(strides)?,
        };
        if record.shape.len() != record.strides.len() {
            return Err("a tensor's shape and strides differ in length".to_owned());
        }
        Ok(Value::Tensor(Box::new(record)))
    }

    fn counts(&self, id: Id) -> Step<Vec<u64>> {
        let Value::Tuple(items) = &self.values[id] else {
            return Err("a shape is no tuple".to_owned());
        };
        // A limit keeps a long shape from being copied over and over.
        if items.len() > MAX_AXES {
            return Err("a shape has too many axes".to_owned());
        }
        items.iter().map(|it| self.count(*it)).collect()
    }

    fn count(&self, id: Id) -> Step<u64> {
        let Value::Int(number) = self.values[id] else {
            return Err("a size is no whole number".to_owned());
        };
        u64::try_from(number).map_err(|_sign| "a size is negative".to_owned())
    }

    fn text(&self, id: Id) -> Step<&'a str> {
        let Value::Text(text) = self.values[id] else {
            return Err("a name is no string".to_owned());
        };
        Ok(text)
    }

    fn named_tensors(&self, root: Id) -> Step<BTreeMap<String, TensorRecord>> {
        let Value::Dict(top) = &self.values[root] else {
            return Err("the checkpoint is no dictionary".to_owned());
        };
        let model = top
            .iter()
            .find(|(key, _)| matches!(self.values[*key], Value::Text("model")))
            .map(|(_, value)| &self.values[*value]);
        let Some(Value::Dict(model)) = model else {
            return Err("the checkpoint has no dictionary under \"model\"".to_owned());
        };
        let mut named = BTreeMap::new();
        for (key, value) in model {
            let name = self.text(*key)?;
            if name.len() > MAX_NAME {
                return Err("a tensor has a long name".to_owned());
            }
            let Value::Tensor(record) = &self.values[*value] else {
                return Err(format!("{name:?} is no tensor"));
            };
            // Checked one by one: a short program could repeat a long name without end.
            if named.insert(name.to_owned(), (**record).clone()).is_some() {
                return Err(format!("two tensors are named {name:?}"));
            }
        }
        Ok(named)
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// Items below the last mark belong to what is under construction there.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Step<Id> {
        self.stack[self.floor()..].last().copied().ok_or_else(|| "the stack is empty".to_owned())
    }

    fn pop(&mut self) -> Step<Id> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("the stack has no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn top_dict(&mut self) -> Step<&mut Vec<(Id, Id)>> {
        let id = self.top()?;
        let Value::Dict(items) = &mut self.values[id] else {
            return Err("items are set on something else than a dictionary".to_owned());
        };
        Ok(items)
    }
}
