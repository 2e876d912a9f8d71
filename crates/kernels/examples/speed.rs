//! Measures linear layers of the sizes that the encoder has.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measuring tool")]
use std::time::Instant;

use kernels::{Around, Linear, Precision};

fn main() {
    for (rows, inputs, outputs) in [
        (16384, 96, 288),
        (4096, 192, 576),
        (1024, 384, 1152),
        (1024, 384, 1536),
        (1024, 1536, 384),
        (256, 768, 3072),
        (256, 3072, 768),
        (2048, 2048, 2048),
    ] {
        let x = vec![0.5_f32; rows * inputs];
        let weight = vec![0.25_f32; outputs * inputs];
        for precision in [Precision::F32, Precision::Bf16] {
            let layer = Linear::new(&weight, vec![0.0; outputs], precision);
            let mut best = f64::MAX;
            for _ in 0..7 {
                let started = Instant::now();
                std::hint::black_box(layer.forward(&x, Around::default()));
                best = best.min(started.elapsed().as_secs_f64());
            }
            println!(
                "{rows:6} {inputs:5} {outputs:5} {precision:?} {:7.2} ms {:6.1} GFLOP/s",
                best * 1e3,
                2e-9 * (rows * inputs * outputs) as f64 / best
            );
        }
    }
}
