// Short names for the server's types, which are generated from openapi.json.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Image = Schemas['Image'];
export type JobState = Schemas['JobState'];
export type JobSummary = Schemas['JobSummary'];
export type Job = Schemas['Job'];
export type JobStatus = Schemas['JobStatus'];
export type JobCreated = Schemas['JobCreated'];
export type Label = Schemas['Label'];
export type Point = Schemas['Point'];
export type SlicePrompt = Schemas['SlicePrompt'];
export type Revision = Schemas['Revision'];
export type SliceConfidence = Schemas['SliceConfidence'];
export type Task = Schemas['Task'];
export type TaskQueued = Schemas['TaskQueued'];
export type TaskFailure = Schemas['TaskFailure'];
export type ErrorDetail = Schemas['ErrorDetail'];
export type Preparation = Schemas['Preparation'];
export type SlicePrepared = Schemas['SlicePrepared'];
export type EngineIdentity = Schemas['EngineIdentity'];
export type EngineStatus = Schemas['EngineStatus'];
export type EngineName = Schemas['EngineName'];
export type Direction = Schemas['Direction'];
export type Combine = Schemas['Combine'];
export type JobList = Schemas['JobList'];
export type RevisionList = Schemas['RevisionList'];
export type Engines = Schemas['Engines'];
export type Session = Schemas['Session'];
export type Check = Schemas['Check'];
export type CheckState = Schemas['CheckState'];
export type Diagnosis = Schemas['Diagnosis'];
export type Event = Schemas['Event'];
