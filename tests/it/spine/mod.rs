//! The main job from trigger to closed incident, and whatever may come between.

mod main_job;
