//! Tests against real servers. `tests/run` provides them.
