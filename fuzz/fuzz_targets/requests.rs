#![no_main]

fuzz::target!(requests);
