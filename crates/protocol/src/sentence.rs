//! The sentences that the page says in its own language: each has a name, values, and its English,
//! written once, here. Programs and the command line read the English; the page builds the sentence
//! of its language out of name and values.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, RefOr, Schema, Type, extensions::Extensions},
};

use crate::english::filled;

/// A sentence by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Said {
    /// Which sentence it is.
    pub sentence: Sentence,
    /// What stands in its places, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, SaidValue>,
}

/// What stands in a place of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(no_recursion)]
pub enum SaidValue {
    /// The same in every language: a figure, a path, a name, words of another program.
    Text(String),
    /// A sentence or a part of one.
    Said(Said),
}

/// A line for people: in English, and by name where its sentence has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    text: String,
    // Lines are parts of errors, which are to be small.
    said: Option<Box<Said>>,
}

impl Line {
    fn new<const N: usize>(sentence: Sentence, values: [(&str, Self); N]) -> Self {
        let texts = values.iter().map(|(name, line)| (*name, line.text.as_str())).collect();
        let text = filled(sentence.english(), &texts);
        let values = values.into_iter().map(|(name, line)| (name.to_owned(), line.into()));
        Self::from_parts(text, Some(Said { sentence, values: values.collect() }))
    }

    /// A line that was said elsewhere: its English text and, where there is one, its name.
    #[must_use]
    pub fn from_parts(text: String, said: Option<Said>) -> Self {
        Self { text, said: said.map(Box::new) }
    }

    /// The English text and, where there is one, the name.
    #[must_use]
    pub fn into_parts(self) -> (String, Option<Said>) {
        (self.text, self.said.map(|it| *it))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Line> for SaidValue {
    fn from(line: Line) -> Self {
        match line.said {
            Some(said) => Self::Said(*said),
            None => Self::Text(line.text),
        }
    }
}

/// Text without a name: the same in every language, or for the command line only.
impl From<String> for Line {
    fn from(text: String) -> Self {
        Self { text, said: None }
    }
}

macro_rules! lines_of {
    ($($of:ty),*) => {
        $(impl From<$of> for Line {
            fn from(value: $of) -> Self {
                value.to_string().into()
            }
        })*
    };
}

lines_of!(&str, u16, u32, u64, i64, usize);

macro_rules! sentences {
    ($($variant:ident $say:ident($($value:ident),*) $english:literal)*) => {
        /// Which sentence it is. What stands in braces is a value; `{n|one|many}` is a word that
        /// depends on one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Sentence {
            $(#[doc = concat!("`` ", $english, " ``")] $variant,)*
        }

        impl Sentence {
            /// Every sentence with its name, its English, and the names of its values.
            pub const ALL: &[(Self, &str, &str, &[&str])] =
                &[$((Self::$variant, stringify!($say), $english, &[$(stringify!($value)),*]),)*];

            /// Its English, with the places of its values.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self {
                    $(Self::$variant => $english,)*
                }
            }
        }

        $(#[doc = concat!("`` ", $english, " ``")]
        #[must_use]
        pub fn $say($($value: impl Into<Line>),*) -> Line {
            Line::new(Sentence::$variant, [$((stringify!($value), $value.into())),*])
        })*
    };
}

impl PartialSchema for Sentence {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|(_, name, ..)| *name);
        let english: serde_json::Map<_, _> =
            Self::ALL.iter().map(|(_, name, text, _)| ((*name).to_owned(), json!(text))).collect();
        Object::builder()
            .schema_type(Type::String)
            .description(Some(
                "A sentence by its name. `x-english` has the text of each: what stands in braces is \
                 a value; `{n|one|many}` is a word that depends on one.",
            ))
            .enum_values(Some(names))
            .extensions(Some(Extensions::from_iter([("x-english", english)])))
            .into()
    }
}

impl ToSchema for Sentence {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Sentence")
    }
}

sentences! {
    AndMore and_more(n) "and {n} more"
    NoAnswer no_answer(secs) "there was no answer in {secs} s"
    LookBusy look_busy() "look whether the disk or the database is busy, then look again"
    NoPlace no_place() "this server was started without folders of its own"

    // Server, port, settings, page.
    ServerRuns server_runs(version, time) "voxloop {version} runs since {time}"
    Listens listens(address) "listens on {address}"
    AnyOrigin any_origin() "CORS_ORIGIN=* lets every page that a browser here opens call this server"
    ImageBelowUpload image_below_upload() "MAX_IMAGE is smaller than MAX_UPLOAD: large uploads arrive to be refused"
    ImageAboveMemory image_above_memory() "MAX_IMAGE is larger than this machine's memory: such an image cannot be used"
    NoToken no_token() "others reach the server, and it asks nobody who comes"
    NoHttps no_https() "the server is reached without HTTPS: what people sign in with and images travel in the clear"
    SettingsFine settings_fine() "no setting is risky or at odds with another"
    SettingRisky setting_risky() "a setting is risky"
    SettingsClash settings_clash() "some settings do not go together"
    NameOrigins name_origins() "name the pages that may call"
    NameToken name_token() "invite an admin, or name the file of a token, unless the proxy in front asks who comes"
    PutProxy put_proxy() "give the server a certificate, or put a proxy with TLS in front (--behind-proxy)"
    PageIsHere page_is_here() "the page is part of this binary"

    // The certificate.
    HttpsOfProxy https_of_proxy() "HTTPS is the proxy's in front"
    NoCertificate no_certificate() "the server has none: it speaks HTTP"
    MatchingFiles matching_files() "name files that belong together; a running server goes on with what it has read"
    CertificateOpaque certificate_opaque() "the certificate can be used, but not be taken apart"
    CertificateFor certificate_for(names, time) "for {names}; valid for another {time}"
    CertificateExpired certificate_expired(time) "it expired {time} ago"
    CertificateExpires certificate_expires(time) "it expires in {time}"
    CertificateEarly certificate_early(time) "it is valid only in {time}"
    RenewCertificate renew_certificate() "renew it; a running server takes the new files by itself"
    LookAtClock look_at_clock() "look whether this machine's clock is right, or wait"
    IsAuthority is_authority() "it is marked as an authority's, which agents do not take from a server"
    MakeOther make_other() "make one that is not"
    NotForNames not_for_names(names, missing) "it is for {names}, but not for {missing}"
    NoName no_name() "no name"
    MakeForNames make_for_names() "make one for every name in --public-url (PUBLIC_URL), in its subjectAltName"

    // Folders and space.
    FolderLocked folder_locked(folder) "{folder} can be written; this server has its lock"
    FolderWritable folder_writable(folder) "{folder} can be written"
    FolderMissing folder_missing(folder) "there is no folder {folder} yet; the first start of the server makes it"
    FolderUnwritable folder_unwritable(folder, error) "{folder} cannot be written: {error}"
    OrAnotherFolder or_another_folder(remedy) "{remedy}, or choose another folder"
    RoomOnDisk room_on_disk() "make room on its disk"
    RoomInQuota room_in_quota() "make room within its quota"
    MountWritable mount_writable() "mount its file system for writing"
    GiveWriteRight give_write_right() "give the user that runs voxloop the right to write there"
    FileInTheWay file_in_the_way() "remove the file that is in the way"
    SeeDisk see_disk() "see whether its disk is well"
    NoLogFiles no_log_files() "no log files are written; the log goes to stderr only"
    LogFiles log_files(n, folder, size) "{n} {n|log file|log files} in {folder}, {size}"
    LogFilesLater log_files_later() "no log files yet; the first start of the server makes them"
    LogFilesHidden log_files_hidden(error) "the log files cannot be listed: {error}"
    GiveFolderRights give_folder_rights() "give the user that runs voxloop the right to read and write the folder"
    SpaceUnknown space_unknown() "the system does not tell how much space is free"
    SpaceFree space_free(free, folder) "{free} free for {folder}"
    SpaceLittle space_little(free, folder, limit) "{free} free for {folder}: an upload may be as large as {limit}"
    SpaceOfFolder space_of_folder(folder, free, total) "{folder}: {free} free of {total}"
    MakeRoom make_room() "make room on this disk, or delete jobs that are no longer needed"

    // Model weights.
    NoModelFolder no_model_folder() "there is no folder of model weights yet: medsam2 cannot run; graph cut needs none"
    ModelFolderUnreadable model_folder_unreadable(error) "the model folder cannot be read: {error}"
    NameReadableFolder name_readable_folder() "name a folder that can be read, or give the right to read it"
    NoWeights no_weights(folder) "no weights are in {folder}: medsam2 cannot run; graph cut needs none"
    FetchWeights fetch_weights(licence) "fetch weights ({licence})"
    FetchAgain fetch_again() "fetch it again, or import it again"
    ModelsHere models_here(n, folder) "{n} {n|model|models} in {folder}"
    ModelDamaged model_damaged(found, file) "{found}: {file} is damaged"
    ModelHere model_here(file, size, state) "{file}, {size}, {state}"
    OtherSize other_size(size) "DAMAGED: the hub announced {size}"
    OtherConfiguration other_configuration(path) "{path} is not the one that came with it"
    Pinned pinned() "pinned to the SHA-256 that the hub announced"
    NotVouchedFor not_vouched_for() "not pinned: no hub vouches for it"
    PlacedByHand placed_by_hand() "not pinned: placed by hand; `voxloop models verify` puts it on record"

    // The database.
    DatabaseAnswers database_answers(address, n) "{address} answers; it holds {n} {n|job|jobs}"
    SchemaFits schema_fits(known) "schema {known}, as this version knows it"
    OwnChecks own_checks() "PostgreSQL checks its own pages as it reads them"
    NoFault no_fault() "SQLite's own check found no fault"
    Faults faults(n) "{n} {n|fault|faults}"
    DatabaseNewer database_newer(found, known) "the database was written by a newer voxloop: it has schema {found}, this version knows {known}"
    UseNewer use_newer() "use the newer voxloop, or a backup from before its first start"
    DatabaseDamaged database_damaged(detail) "the database is damaged ({detail})"
    SaveDatabase save_database() "put the file aside and bring back a backup, or save what can be read"
    DatabaseFull database_full() "the disk of the database is full"
    RoomOnIt room_on_it() "make room on it"
    DatabaseUnusable database_unusable(detail) "the database cannot be used ({detail})"
    DatabaseLate database_late() "it did not answer in time"
    LookReachable look_reachable() "look whether it runs and is reachable"
    LookServerReachable look_server_reachable() "look whether the database server runs and is reachable"
    LookAtDisk look_at_disk() "look at the free space and the health of the disk"
    LookAtFolder look_at_folder() "look whether the folder exists and may be written"
    CheckPassword check_password() "check user and password in --database-url"
    MakeDatabase make_database() "make the database first"
    MoreConnections more_connections() "allow the database more connections"
    LookAtLog look_at_log() "look at the log, and whether the database runs and is reachable"

    // Images and masks.
    StoredFiles stored_files(n, size) "{n} {n|stored file|stored files}, {size}"
    WrittenAndRead written_and_read(found) "{found}; a file was written and read back"
    StorageFailed storage_failed(error) "storage: {error}"
    BucketFailed bucket_failed(error) "object storage: {error}"
    CheckBucket check_bucket() "check the bucket's address and the AWS_… variables"
    RoomInDataFolder room_in_data_folder() "make room in the data folder and see its rights"
    FilesRead files_read(n, read, size) "{n} {n|file is|files are} needed, {read} of them read and compared with their SHA-256 ({size})"
    FilesBad files_bad(n, found) "{n} {n|file is|files are} missing or damaged; {found}"
    ReadEveryFile read_every_file() "to read every file"
    FileOf file_of(what, owner, sha256, fault) "{what} of {owner}: {sha256} {fault}"
    OfJob of_job(job) "job {job}"
    OfRequest of_request(request) "request {request}"
    AnImage an_image() "image"
    AMask a_mask() "mask"
    AFile a_file() "file"
    AnOutput an_output() "engine's output"
    IsMissing is_missing() "is missing"
    IsDamaged is_damaged(reason) "is damaged: {reason}"
    IsUnreadable is_unreadable(error) "cannot be read: {error}"
    OtherBytes other_bytes(n, sha256) "its {n} bytes have the SHA-256 {sha256}"
    OtherObject other_object(n, sha256) "its {n} bytes in the bucket have the SHA-256 {sha256}"
    BringBackImages bring_back_images() "bring the files back from a backup into the data folder's blobs/, or open the same image again: its good bytes take the damaged ones' place"
    BringBackMasks bring_back_masks() "bring the files back from a backup into the data folder's blobs/; without one, segment the object again: a new revision takes the damaged one's place"
    BringBackFiles bring_back_files() "bring the files back from a backup into the data folder's blobs/; without one, make the request again"
    NothingLost nothing_lost() "nothing is lost: these results are part of the jobs' masks"
    NoOrphans no_orphans() "every stored file belongs to a job or a request"
    Orphans orphans(n, size) "{n} {n|stored file belongs|stored files belong} to no job, {size}; a server removes them every hour"
    RemoveNow remove_now() "to remove them now"

    // Agents, tasks, engines.
    AgentsUnknown agents_unknown() "the database cannot say which agents there are: see above"
    AgentHeardOf agent_heard_of(agent, time, engines) "{agent}: last heard of {time} ago, runs {engines}"
    NoAgent no_agent() "no agent asks for work: tasks will wait"
    StartAgent start_agent() "start the server without --no-agent, or an agent on this or another machine"
    AgentsHere agents_here(n) "{n} {n|agent is|agents are} here"
    QueueLength queue_length(n, running) "{n} {n|task|tasks} waiting, {running} running"
    QueueStuck queue_stuck(found) "{found}; no agent can run some of them"
    QueueSlow queue_slow(found, time) "{found}; the oldest waits since {time}"
    WhyItWaits why_it_waits(task, why) "task {task}: {why}"
    AndWhy and_why(why, more) "{why}; {more}"
    NoAgentAsks no_agent_asks() "no agent asks for work"
    NoAgentThat no_agent_that(lacks) "no agent that is here {lacks}"
    AndAlso and_also(one, other) "{one} and {other}"
    RunsIt runs_it() "can run it"
    RunsKind runs_kind(kind) "runs tasks of the kind {kind}"
    RunsEngine runs_engine(engine) "runs the engine {engine}"
    HasWeights has_weights(sha256) "has the weights {sha256}"
    HasGpu has_gpu(size) "has a GPU of {size}"
    SpeaksProtocol speaks_protocol(version) "speaks protocol {version}"
    RunsProgram runs_program(program) "runs the program {program}"
    AttemptFailed attempt_failed(n, time) "attempt {n} failed, the next one is in {time}"
    WaitsForAgent waits_for_agent(ahead) "waits for a free agent, {ahead} before it"
    NextTurn next_turn() "an agent is free and will have it next"
    StartTheirAgent start_their_agent() "start an agent that can: the lines below say what is needed"
    MoreAtOnce more_at_once() "let more tasks run at once, or start another agent"
    EngineElsewhere engine_elsewhere(engine, version, agents) "{engine} {version}: ready on {agents}"
    EngineLacks engine_lacks(engine, version, missing) "{engine} {version}: missing {missing}"
    EngineReady engine_ready(engine, version) "{engine} {version}: ready"
    NoEngineRuns no_engine_runs() "no engine can run"
    SeeMissing see_missing() "see what is missing and where it belongs"
    EnginesReady engines_ready(ready, n) "{ready} of {n} {n|engine|engines} ready"
    WeightsAbsent weights_absent(path, file, config) "{path} is not there: put {file} of the Hugging Face repository wanglab/MedSAM2 there, and {config} beside it where its dimensions are others; `voxloop models download medsam2` does it"
    WeightsElsewhere weights_elsewhere() "this server leaves the work to agents (--no-agent), and none with its weights asked for work lately"

    // Why a task failed.
    TaskTooLong task_too_long(secs) "the task took longer than {secs} s"
    SmallerRange smaller_range() "choose a smaller range or a smaller box, or raise the time limit"
    FasterProgram faster_program() "make the program faster, or raise PROGRAM_TIME_LIMIT"
    MoreMemory more_memory() "give the agent's machine more memory, or fewer slots"
    AgentLost agent_lost() "the agent stopped answering"
    GivenUp given_up(n, last) "given up after {n} {n|attempt|attempts}, the last one: {last}"
    LookAtAgent look_at_agent() "look at the agent's log, then try again"
    AgentStopped agent_stopped() "the agent was stopped"
    InputUnavailable input_unavailable(error) "an input of the task cannot be fetched: {error}"
    MaskUnreadable mask_unreadable(error) "the mask to start from cannot be read: {error}"
    OutputRefused output_refused(reason) "the server refused the output: {reason}"
    EngineCrashed engine_crashed(error) "the engine crashed: {error}"
    ReportCrash report_crash() "report this with the image's header and the prompt"
    NetworkFailed network_failed(error) "the network failed: {error}"
    DeviceFull device_full(error) "the device's memory ran out: {error}"
    EndOthers end_others() "close other programs or lower MAX_CONCURRENT_JOBS"
    EndOthersOnGpu end_others_on_gpu() "close other programs, lower GPU_MEMORY_LIMIT or MAX_CONCURRENT_JOBS, or choose DEVICE=cpu"
    PutWeights put_weights() "put the file there (MODEL_ROOT), or choose the engine graphcut"
    ChangePrompt change_prompt() "change the prompt and try again"

    // The machine.
    NoGpu no_gpu() "no NVIDIA GPU answers to nvidia-smi; every engine runs on the processor"
    Gpus gpus(n) "{n} {n|GPU|GPUs}"
    GpuMemory gpu_memory(index, gpu, used, total) "{index}: {gpu}, {used} of {total} in use"
    MemoryUnknown memory_unknown() "the system does not tell its memory"
    MemoryAvailable memory_available(available, total) "{available} available of {total}"
    EndPrograms end_programs() "end other programs, or let fewer tasks run at once"
    ClockWrong clock_wrong() "the machine's clock is wrong: it shows a time before 2025"
    SetClock set_clock() "set the clock, best by the network"
    ClockAhead clock_ahead(time) "the newest change in the database lies {time} in the future: a clock was or is wrong"
    SetClocks set_clocks() "set the clocks of server and agents by the network"
    ClockFine clock_fine() "no change in the database lies in the future"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::english::places;

    #[test]
    fn the_places_of_each_sentence_are_its_values_and_its_name_is_that_on_the_wire() {
        for (sentence, name, english, values) in Sentence::ALL {
            let values: BTreeSet<&str> = values.iter().copied().collect();
            assert_eq!(places(english), values, "{name}");
            assert_eq!(json!(sentence), json!(name));
        }
    }

    #[test]
    fn a_sentence_within_a_sentence_keeps_its_name() {
        let line = queue_slow(queue_length(1_usize, 0_usize), "3 min");
        assert_eq!(line.to_string(), "1 task waiting, 0 running; the oldest waits since 3 min");
        let (_, said) = line.into_parts();
        let written = json!({ "sentence": "queue_slow", "values": { "time": "3 min", "found": {
            "sentence": "queue_length", "values": { "n": "1", "running": "0" } } } });
        assert_eq!(json!(said), written);
        assert_eq!(serde_json::from_value::<Option<Said>>(written).unwrap(), said);
    }
}
