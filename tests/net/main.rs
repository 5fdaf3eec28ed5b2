//! The source against servers that misbehave: no ports and no sleeps where it can be helped.
