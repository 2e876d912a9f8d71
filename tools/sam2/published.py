#!/usr/bin/env python3
"""Asks the published MedSAM2 code for answers and times, to set beside those of `crates/sam2`.

    pip install torch torchvision hydra-core iopath tqdm pillow numpy
    git clone https://github.com/bowang-lab/MedSAM2
    tools/sam2/published.py expect --source MedSAM2 --out DIR
    cargo run --release -p sam2 --example compare -- DIR
    voxloop bench sam2 --source MedSAM2 --python PYTHON

`expect` builds the network of `--config` with random weights, writes DIR/checkpoint.pt in the published
format, DIR/config.yaml, and DIR/expected.npz with the arrays that fixtures/medsam2-micro has too.
`weights` writes the first two only. `measure` is called by `voxloop bench sam2`: it times the network of
DIR part by part, in float32 and under bfloat16 autocast, on the slices that lie there, sets the logits
that voxloop left there beside its own, and answers with one line of JSON.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when the published code is imported

import numpy as np
import torch

N_SLICES, HEIGHT, WIDTH = 13, 512, 512
PROMPTED = 6
BOX = [150.5, 140.25, 330.0, 345.75]
SEED = 7


def build(source: Path, config: Path):
    """The published predictor with the overrides of its own `build_sam.py`, without weights."""
    sys.path.insert(0, str(source))
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    settings = OmegaConf.load(config)
    OmegaConf.update(settings, "model._target_", "sam2.sam2_video_predictor_npz.SAM2VideoPredictorNPZ")
    decoder = {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    }
    for key, value in {
        "sam_mask_decoder_extra_args": decoder,
        "binarize_mask_from_pts_for_mem_enc": True,
        "fill_hole_area": 8,
    }.items():
        OmegaConf.update(settings, f"model.{key}", value, force_add=True)
    return instantiate(settings.model, _recursive_=True).eval()


def randomise(model) -> None:
    """Weights that keep signals at their size through every layer, so that no part hides another."""
    generator = torch.Generator().manual_seed(SEED)

    def noise(like, scale, centre=0.0):
        return torch.randn(like.shape, generator=generator) * scale + centre

    with torch.no_grad():
        for name, weight in model.state_dict().items():
            if name.endswith("positional_encoding_gaussian_matrix"):
                weight.copy_(noise(weight, 1.0))
            elif name.endswith("gamma"):
                weight.copy_(noise(weight, 0.1, 0.5))
            elif weight.ndim >= 2 and name.endswith("weight"):
                fan_in = weight[0].numel() if weight.ndim == 4 else weight.shape[-1]
                weight.copy_(noise(weight, fan_in**-0.5))
            elif name.endswith("weight"):
                weight.copy_(noise(weight, 0.1, 1.0))
            else:
                weight.copy_(noise(weight, 0.1))
        # The object is there on most slices.
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(3.0)


def volume() -> np.ndarray:
    """A bright ellipse that drifts and shrinks through smooth noise, as grey levels."""
    random = np.random.default_rng(SEED)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    slices = []
    for z in range(N_SLICES):
        picture = 90 + 30 * np.sin(x / 37 + z / 3) * np.cos(y / 53 - z / 5) + random.normal(0, 8, x.shape)
        inside = ((x - 240 - 4 * z) / (95 - 3 * z)) ** 2 + ((y - 245 + 3 * z) / (110 - 4 * z)) ** 2 < 1
        slices.append(np.clip(picture + 70 * inside, 0, 255).astype(np.uint8))
    return np.stack(slices)


def resized(grey: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    pictures = [Image.fromarray(it).convert("RGB").resize((size, size)) for it in grey]
    return np.stack([np.asarray(it).transpose(2, 0, 1) for it in pictures])


def normalised(rgb: np.ndarray) -> torch.Tensor:
    mean = torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    deviation = torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    return ((torch.from_numpy(rgb.astype(np.float64)) / 255.0 - mean) / deviation).float()


def squeeze(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().squeeze(0).numpy()


def run_case(model, images, reverse: bool):
    """One direction of one box: logits of the prompt, then what every slice answers."""
    state = model.init_state(images, HEIGHT, WIDTH)
    _, _, prompt = model.add_new_points_or_box(state, PROMPTED, obj_id=1, box=np.array(BOX, dtype=np.float32))
    visited = {z: squeeze(logits)[0] for z, _, logits in model.propagate_in_video(state, reverse=reverse)}
    return squeeze(prompt)[0], dict(sorted(visited.items())), state["output_dict"]


@torch.inference_mode()
def expect(model, out: Path) -> None:
    grey = volume()
    rgb = resized(grey, model.image_size)
    images = normalised(rgb)
    arrays = {"volume_u8": grey, "resized_rgb_u8": rgb}

    encoded = model.forward_image(images[:1])
    for i in range(3):
        arrays[f"encoder/fpn{i}"] = squeeze(encoded["backbone_fpn"][i])
        arrays[f"encoder/pos{i}"] = squeeze(encoded["vision_pos_enc"][i])
    for direction in ("forward", "reverse"):
        prompt, visited, outputs = run_case(model, images, direction == "reverse")
        arrays["box/prompt0_logits"] = prompt
        arrays[f"box/{direction}_frames_i64"] = np.array(list(visited))
        arrays[f"box/{direction}_logits_f16"] = np.stack(list(visited.values())).astype(np.float16)
        for z in visited:
            found = outputs["cond_frame_outputs"].get(z) or outputs["non_cond_frame_outputs"][z]
            for key, name in {
                "pred_masks": "lowres", "obj_ptr": "obj_ptr",
                "maskmem_features": "maskmem", "object_score_logits": "objscore",
            }.items():
                array = squeeze(found[key])
                arrays[f"box/{direction}_{name}_{z}"] = array[0] if key == "pred_masks" else array
    np.savez_compressed(out / "expected.npz", **arrays)
    (out / "manifest.json").write_text(json.dumps({
        "frames": N_SLICES, "height": HEIGHT, "width": WIDTH, "image_size": model.image_size,
        "box_xyxy": BOX, "prompt_frame": PROMPTED, "torch": torch.__version__,
        "object_score_bias": 3.0,
        "cases": [{"name": "box", "direction": it} for it in ("forward", "reverse")],
    }, indent=1))


def logits_of_both_directions(model, images, manifest) -> np.ndarray:
    """(direction, slice, height, width); slices that a direction does not visit stay 0."""
    side = manifest["side"]
    answers = np.zeros((2, manifest["n_slices"], side, side), dtype=np.float32)
    for i, reverse in enumerate((False, True)):
        state = model.init_state(images, side, side)
        box = np.array(manifest["box"], dtype=np.float32)
        model.add_new_points_or_box(state, manifest["prompted"], obj_id=1, box=box)
        for z, _, logits in model.propagate_in_video(state, reverse=reverse):
            answers[i, z] = squeeze(logits)[0]
    return answers


def deviations(exact: np.ndarray, rounded: np.ndarray) -> list[float]:
    """Relative L2 distance of every visited slice's logits."""
    pairs = zip(exact.reshape(-1, exact.shape[-1] ** 2), rounded.reshape(-1, exact.shape[-1] ** 2))
    return [float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in pairs if np.any(a)]


def peak(dtype: torch.dtype, n_times: int) -> list[float]:
    """GFLOP/s of a matrix product of 2048²."""
    a, b = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
    return [2e-9 * 2048**3 / (1e-3 * ms) for ms in each_time(lambda: a @ b, n_times)]


def each_time(work, n_times: int) -> list[float]:
    """Wall time of every run, in ms, after one that does not count."""
    work()
    times = []
    for _ in range(n_times):
        started = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - started))
    return times


@torch.inference_mode()
def measure_parts(model, images, manifest, n_times: int) -> dict[str, list[float]]:
    n_slices, side = manifest["n_slices"], manifest["side"]
    last = n_slices - 1
    state = model.init_state(images, side, side)
    box = np.array(manifest["box"], dtype=np.float32)
    model.add_new_points_or_box(state, manifest["prompted"], obj_id=1, box=box)
    for _ in model.propagate_in_video(state):
        pass
    outputs = state["output_dict"]
    _, _, feats, positions, sizes = model._get_image_feature(state, last, 1)
    found = outputs["non_cond_frame_outputs"][last]
    high_res = [it.permute(1, 2, 0).view(1, it.size(2), *size) for it, size in zip(feats[:-1], sizes[:-1])]
    features = feats[-1].permute(1, 2, 0).view(1, feats[-1].size(2), *sizes[-1])
    mask = torch.nn.functional.interpolate(found["pred_masks"], (model.image_size,) * 2, mode="bilinear")
    points = {
        "point_coords": torch.tensor(manifest["box"]).reshape(1, 2, 2),
        "point_labels": torch.tensor([[2, 3]], dtype=torch.int32),
    }
    parts = {
        "encoder": lambda: model.forward_image(images[:1]),
        "memory attention": lambda: model._prepare_memory_conditioned_features(
            frame_idx=last, is_init_cond_frame=False, current_vision_feats=feats[-1:],
            current_vision_pos_embeds=positions[-1:], feat_sizes=sizes[-1:], output_dict=outputs,
            num_frames=n_slices, track_in_reverse=False),
        "mask decoder": lambda: model._forward_sam_heads(features, points, None, high_res, False),
        "memory encoder": lambda: model._encode_new_memory(
            feats, sizes, mask, found["object_score_logits"], is_mask_from_pts=False),
        "whole": lambda: logits_of_both_directions(model, images, manifest),
    }
    return {name: each_time(work, n_times) for name, work in parts.items()}


@torch.inference_mode()
def measure(model, out: Path, n_times: int) -> dict:
    manifest = json.loads((out / "manifest.json").read_text())
    shape = (manifest["n_slices"], manifest["side"], manifest["side"])
    grey = np.fromfile(out / "slices.u8", dtype=np.uint8).reshape(shape)
    images = normalised(resized(grey, model.image_size))
    answer = {"name": f"PyTorch {torch.__version__}"}
    logits = {}
    for precision, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            answer[precision] = measure_parts(model, images, manifest, n_times)
            logits[precision] = logits_of_both_directions(model, images, manifest)
        answer[precision]["peak"] = peak(dtype, n_times)
    ours = {it: np.fromfile(out / f"logits_{it}.f32", dtype="<f4").reshape(2, *shape) for it in logits}
    exact = logits["f32"]
    differs = (ours["f32"] > 0) != (exact > 0)
    answer["comparison"] = {
        # A mask is the same where the answer is not within a thousandth of its range of 0.
        "flipped": int(np.sum(differs & (np.abs(exact) > 1e-3 * np.ptp(exact)))),
        "f32_deviation": deviations(exact, ours["f32"]),
        "bf16_deviation": deviations(ours["f32"], ours["bf16"]),
        "bf16_deviation_of_peer": deviations(exact, logits["bf16"]),
    }
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["expect", "weights", "measure"])
    parser.add_argument("--source", type=Path, required=True, help="a clone of bowang-lab/MedSAM2")
    parser.add_argument("--config", type=Path, help="default: the source's sam2.1_hiera_t512.yaml")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()

    # It says for every slice that the optional CUDA extension is not there.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    out = arguments.out
    config = arguments.config or arguments.source / "sam2/configs/sam2.1_hiera_t512.yaml"
    model = build(arguments.source.resolve(), config)
    out.mkdir(parents=True, exist_ok=True)
    if arguments.command == "measure":
        model.load_state_dict(torch.load(out / "checkpoint.pt", weights_only=True)["model"])
        print(json.dumps(measure(model, out, arguments.repeat)))
        return
    randomise(model)
    shutil.copy(config, out / "config.yaml")
    torch.save({"model": model.state_dict()}, out / "checkpoint.pt")
    if arguments.command == "expect":
        expect(model, out)


if __name__ == "__main__":
    main()
