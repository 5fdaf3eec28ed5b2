//! `meterbridge report`: writes a page of HTML about the runs of a model.

use std::io::{self, Write};

use crate::model::Model;
use crate::time_zone::DisplayZone;

/// Writes the page.
pub fn write_page(
    _out: &mut impl Write,
    _model: &Model,
    _files: &[String],
    _zone: &DisplayZone,
) -> io::Result<()> {
    Ok(())
}
