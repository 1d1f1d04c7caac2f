//! For Wireshark: dissector plugins, explanations of what it shows without one, and Authscope as a capture source.

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
mod text_rules;
