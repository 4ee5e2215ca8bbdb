//! The main job from trigger to closed incident, and whatever may come between: other people at the same moment, a
//! changed plan, a dropped connection, a killed server.

mod changed_plans;
mod doubtful_data;
mod dropped_callers;
mod kept_measures;
mod killing_server;
mod main_job;
mod overdue_verdicts;
mod progress_updates;
mod races;
mod registers;
mod run_folders;
mod same_cause;
mod stopping;
