-- A question that was answered is known when it comes again after its task has ended.
create index task_by_question on task (claim_id);
