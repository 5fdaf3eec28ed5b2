//! `meterbridge report`: writes a page of HTML about the runs of a model.
//!
//! The page is one file without scripts, and its policy forbids every request. Its size has a limit
//! whatever the number of runs; it says what was left out. Nothing in it depends on the time of writing.
//!
//! | part | what it does |
//! | --- | --- |
//! | `summary` | a model → what the page says |
//! | `charts` | bars as SVG |
//! | `page` | writes the sections |
//! | `html` | escapes texts |

mod charts;
mod html;
mod page;
mod summary;

pub use page::write_page;
