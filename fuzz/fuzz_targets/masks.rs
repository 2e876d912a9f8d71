#![no_main]

fuzz::target!(masks);
