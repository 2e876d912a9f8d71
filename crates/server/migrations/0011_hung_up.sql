-- An agent whose question for work was cut is gone from then on, unless it is heard of again.
alter table agent add column gone_ms bigint;
