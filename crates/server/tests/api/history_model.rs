//! Random sequences of edits, prompts, engines' answers, undo, redo, jumps and restarts against a
//! simple model: any state can be shown again, undo and redo cancel each other, nothing is lost.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof, proptest},
    test_runner::Config,
};
use serde_json::{Value, json};
use volume::Labelmap;

use crate::support::{SHAPE, TestServer, decoded, filled};

#[derive(Debug, Clone)]
enum Deed {
    /// Fills a box with a label, and vouches for a slice or not.
    Paint {
        corner: [u32; 3],
        label: u8,
        vouched: Option<u32>,
    },
    /// Has an engine segment a slice; `is_late`: an undo comes between question and answer.
    Segment {
        slice: u32,
        corner: [u32; 2],
        is_late: bool,
    },
    /// Marks a point on a slice.
    Mark {
        slice: u32,
        x: u8,
    },
    /// Removes what is marked on a slice.
    Unmark {
        slice: u32,
    },
    Undo,
    Redo,
    Jump(usize),
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    let corner = [0..32_u32, 0..30_u32, 0..14_u32];
    prop_oneof![
        5 => (corner, 0..4_u8, any::<Option<bool>>(), 0..4_u32).prop_map(
            |(corner, label, vouches, slice)| Deed::Paint {
                corner,
                label,
                vouched: vouches.and_then(|it| it.then_some(slice)),
            }
        ),
        3 => (0..4_u32, [0..32_u32, 0..30_u32], any::<bool>())
            .prop_map(|(slice, corner, is_late)| Deed::Segment { slice, corner, is_late }),
        3 => (0..4_u32, 0..30_u8).prop_map(|(slice, x)| Deed::Mark { slice, x }),
        1 => (0..4_u32).prop_map(|slice| Deed::Unmark { slice }),
        5 => any::<bool>().prop_map(|_| Deed::Undo),
        4 => any::<bool>().prop_map(|_| Deed::Redo),
        2 => any::<usize>().prop_map(Deed::Jump),
        1 => any::<bool>().prop_map(|_| Deed::Restart),
    ]
}

/// What is marked on a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Marked {
    Point(f64),
    Box,
    Vouched,
}

/// What is marked, by slice.
type Prompts = BTreeMap<u32, Marked>;

#[derive(Debug, Clone)]
struct State {
    id: Value,
    parent: usize,
    mask: Labelmap,
    prompts: Prompts,
}

/// State 0 is the one without a mask.
#[derive(Debug)]
struct Model {
    states: Vec<State>,
    head: usize,
    tip: usize,
    prompts: Prompts,
}

impl Model {
    fn new() -> Self {
        let none = State {
            id: Value::Null,
            parent: 0,
            mask: Labelmap::new(SHAPE),
            prompts: Prompts::new(),
        };
        Self { states: vec![none], head: 0, tip: 0, prompts: Prompts::new() }
    }

    /// A state and all that it came from.
    fn line(&self, mut state: usize) -> Vec<usize> {
        let mut line = vec![state];
        while state != 0 {
            state = self.states[state].parent;
            line.push(state);
        }
        line
    }

    fn redo(&self) -> Option<usize> {
        let line = self.line(self.tip);
        let at = line.iter().position(|it| *it == self.head).unwrap();
        at.checked_sub(1).map(|it| line[it])
    }

    fn go(&mut self, to: usize) {
        if to == self.head {
            return;
        }
        self.states[self.head].prompts = std::mem::take(&mut self.prompts);
        self.prompts = self.states[to].prompts.clone();
        if !self.line(self.tip).contains(&to) {
            let newest = (0..self.states.len()).rev().find(|it| self.line(*it).contains(&to));
            self.tip = newest.unwrap();
        }
        self.head = to;
    }

    /// Adds a state to the head that brings a mark of its own, or none.
    fn add(&mut self, id: Value, mask: Labelmap, own: Option<(u32, Marked)>) {
        let parent = &mut self.states[self.head];
        let mut before = self.prompts.clone();
        let mut after = self.prompts.clone();
        if let Some((slice, marked)) = own {
            before.remove(&slice);
            before.extend(parent.prompts.get(&slice).map(|it| (slice, *it)));
            after.insert(slice, marked);
        }
        parent.prompts = before;
        self.states.push(State { id, parent: self.head, mask, prompts: after });
        self.head = self.states.len() - 1;
        self.tip = self.head;
    }
}

/// Sets a box of voxels, two along i and j and `depth` along k.
fn set(mask: &mut Labelmap, corner: [u32; 3], depth: u32, value: u8) {
    for k in corner[2]..corner[2] + depth {
        for j in corner[1]..=corner[1] + 1 {
            for i in corner[0]..=corner[0] + 1 {
                let index = mask.index([i, j, k].map(|it| it as usize));
                mask.voxels[index] = value;
            }
        }
    }
}

/// Has an engine answer that object 1 is a square, and nothing else is on the slice.
async fn segment(server: &TestServer, job: &str, model: &mut Model, deed: &Deed) {
    let Deed::Segment { slice, corner, is_late } = deed else { return };
    server.ask_for_slice(job, *slice, 1).await;
    model.prompts.insert(*slice, Marked::Box);
    let asked = model.head;
    if *is_late {
        let to = model.states[model.head].parent;
        server.show(job, &model.states[to].id).await;
        model.go(to);
    }
    let mut found = Labelmap::new(SHAPE);
    let corner = [corner[0], corner[1], *slice];
    set(&mut found, corner, 1, 1);
    server.run_next(&found, *slice, *slice).await.expect(StatusCode::OK);

    let (base, now) = (&model.states[asked].mask, &model.states[model.head].mask);
    let mut mask = now.clone();
    let slice_voxels = SHAPE[0] * SHAPE[1];
    let first = *slice as usize * slice_voxels;
    for index in first..first + slice_voxels {
        if now.voxels[index] <= 1 && now.voxels[index] == base.voxels[index] {
            mask.voxels[index] = found.voxels[index];
        }
    }
    let is_moved = (asked == 0) != (model.head == 0) || now != base;
    let id = server.get(job).await.json()["head"].clone();
    model.add(id, mask, Some((*slice, Marked::Box)));
    if is_moved {
        model.prompts.entry(*slice).or_insert(Marked::Box);
    }
}

async fn act(server: &TestServer, job: &str, model: &mut Model, deed: &Deed) {
    let path = format!("{job}/prompts");
    match deed {
        Deed::Paint { corner, label, vouched } => {
            let last = corner.map(|it| it + 1);
            let mut edit = filled(&model.states[model.head].id, *label, [*corner, last]);
            let slices: Vec<_> = vouched
                .iter()
                .map(|it| json!({ "axis": 2, "slice_index": it, "label": 1 }))
                .collect();
            edit["confirmed"] = json!(slices);
            let made = server.post(&format!("{job}/revisions"), edit).await;
            let made = made.expect(StatusCode::CREATED).json();
            let mut mask = model.states[model.head].mask.clone();
            set(&mut mask, *corner, 2, *label);
            let own = vouched.map(|it| (it, Marked::Vouched));
            model.prompts.extend(own);
            model.add(made["revision_id"].clone(), mask, own);
        }
        Deed::Mark { slice, x } => {
            let point = json!({ "x": x, "y": 2, "positive": true });
            let prompt = json!({ "axis": 2, "slice_index": slice, "points": [point] });
            server.put(&path, prompt).await.expect(StatusCode::NO_CONTENT);
            model.prompts.insert(*slice, Marked::Point(f64::from(*x)));
        }
        Deed::Unmark { slice } => {
            let path = format!("{path}?axis=2&slice_index={slice}");
            server.json(Method::DELETE, &path, json!({})).await.expect(StatusCode::NO_CONTENT);
            model.prompts.remove(slice);
        }
        Deed::Undo => {
            let to = model.states[model.head].parent;
            server.show(job, &model.states[to].id).await;
            model.go(to);
        }
        Deed::Redo => {
            let to = model.redo().unwrap_or(model.head);
            server.show(job, &model.states[to].id).await;
            model.go(to);
        }
        Deed::Jump(wish) => {
            let to = wish % model.states.len();
            server.show(job, &model.states[to].id).await;
            model.go(to);
        }
        Deed::Segment { .. } => segment(server, job, model, deed).await,
        Deed::Restart => {}
    }
}

async fn check(server: &TestServer, job: &str, model: &Model) {
    let shown = server.get(job).await.json();
    assert_eq!(shown["head"], model.states[model.head].id);
    let redo = model.redo().map_or(Value::Null, |it| model.states[it].id.clone());
    assert_eq!(shown["redo"], redo);
    assert_eq!(server.mask(job).await, model.states[model.head].mask);
    let prompts: Prompts = shown["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let slice = u32::try_from(it["slice_index"].as_u64().unwrap()).unwrap();
            let marked = match (it["points"][0]["x"].as_f64(), it["mask"] == true) {
                (Some(x), false) => Marked::Point(x),
                (None, true) => Marked::Vouched,
                _ => Marked::Box,
            };
            assert_eq!(marked == Marked::Box, it["box"] != Value::Null);
            (slice, marked)
        })
        .collect();
    assert_eq!(prompts, model.prompts);
}

async fn walk(deeds: Vec<Deed>) {
    let mut server = TestServer::start().await;
    let job = server.open_phantom().await;
    let mut model = Model::new();
    for deed in &deeds {
        if let Deed::Restart = deed {
            server = server.reopened().await;
        }
        act(&server, &job, &mut model, deed).await;
        check(&server, &job, &model).await;
    }
    check_undo_and_redo_cancel(&server, &job, &model).await;
    check_nothing_is_lost(&server, &job, &mut model).await;
}

async fn check_undo_and_redo_cancel(server: &TestServer, job: &str, model: &Model) {
    let before = server.get(job).await.json();
    for to in [model.states[model.head].parent, model.head] {
        server.show(job, &model.states[to].id).await;
    }
    let mut after = server.get(job).await.json();
    after["updated_ms"] = before["updated_ms"].clone();
    assert_eq!(after, before, "undo and redo cancel each other");
}

async fn check_nothing_is_lost(server: &TestServer, job: &str, model: &mut Model) {
    for state in &model.states[1..] {
        let path = format!("{job}/mask?revision={}", state.id.as_str().unwrap());
        let mask = server.get(&path).await.expect(StatusCode::OK);
        assert_eq!(decoded(&mask.bytes), state.mask);
    }
    for state in 0..model.states.len() {
        server.show(job, &model.states[state].id).await;
        model.go(state);
        check(server, job, model).await;
    }
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_history_can_be_walked_in_any_order(deeds in vec(deed(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(walk(deeds));
    }
}
