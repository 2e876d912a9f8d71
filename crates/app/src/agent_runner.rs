//! What an agent of this program runs: engines, a laboratory's own program, or both.

use agent::{
    program::Program,
    runner::{Assignment, Control, RunError, RunOutput, Runner},
};
use protocol::{
    id::Sha256,
    task::{EngineName, FailureClass, TaskFailure, TaskKind, TaskSpec},
};

use crate::engine_runner::EngineRunner;

/// Runs tasks with the engines of this build and with a laboratory's own program.
pub(crate) struct AgentRunner {
    pub(crate) engines: EngineRunner,
    pub(crate) program: Option<Program>,
}

impl Runner for AgentRunner {
    fn kinds(&self) -> Vec<TaskKind> {
        let mut kinds = self.engines.kinds();
        kinds.extend(self.program.as_ref().map(|_| TaskKind::External));
        kinds
    }

    fn engines(&self, device: &str) -> Vec<EngineName> {
        self.engines.engines(device)
    }

    fn models(&self, device: &str) -> Vec<Sha256> {
        self.engines.models(device)
    }

    fn programs(&self) -> Vec<String> {
        self.program.iter().map(|it| it.name().to_owned()).collect()
    }

    fn run(&self, assignment: &Assignment, control: &dyn Control) -> Result<RunOutput, RunError> {
        match (&assignment.lease.spec, &self.program) {
            (TaskSpec::SegmentSlice(_) | TaskSpec::Propagate(_), _) => {
                self.engines.run(assignment, control)
            }
            (TaskSpec::External(_), Some(program)) => {
                program.run(assignment, control).map(RunOutput::Program)
            }
            (TaskSpec::External(_), None) => Err(RunError::Failed(TaskFailure::new(
                FailureClass::Retryable,
                "wrong_agent",
                "this agent runs no programs",
            ))),
        }
    }
}
