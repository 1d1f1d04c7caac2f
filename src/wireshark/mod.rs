//! Wireshark itself: a dissector for it, what it says without one and why, and Authscope as one of
//! its capture sources.

mod bounds;
pub mod explain;
pub mod extcap;
pub mod install;
pub mod layout_plugin;
pub mod names;
mod packet_layout;
pub mod plugin;
mod plugin_notes;
pub mod profile;
mod rules;
