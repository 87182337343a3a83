//! Limits across a fleet of gateways: never more than the limit, and as good as all of it.

mod month;
mod several_limits;
mod window;
