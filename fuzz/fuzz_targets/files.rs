#![no_main]

fuzz::target!(files);
