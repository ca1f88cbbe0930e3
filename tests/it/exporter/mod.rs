//! The whole product, as a subprocess or in this process, in front of the demo's servers and DNS.

mod cli;
mod demo;
mod dnsbl;
mod doors;
mod drain;
mod faults;
mod health;
mod hostile;
mod house;
mod ladder;
mod places;
mod politeness;
mod probe;
mod reload;
mod schedule;
mod secrets;
mod shard;
mod skew;
mod systemd;
mod verdicts;
