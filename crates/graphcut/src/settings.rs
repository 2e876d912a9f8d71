//! The engine's constants, with the measured plateau of each where it has one.

/// How histograms are made.
#[derive(Debug, Clone, Copy)]
pub struct AppearanceSettings {
    /// Bins along each of the two scales.
    pub n_bins: u8,
    /// Width of the coarse scale's Gaussian, in voxels of the finest spacing.
    pub coarse_voxels: f64,
    /// Width of the smoothing of the histogram, in bins.
    pub smoothing_bins: f64,
    /// Largest log-likelihood ratio.
    pub limit: f64,
}

/// What the image's contrast costs a boundary.
#[derive(Debug, Clone, Copy)]
pub struct EdgeSettings {
    /// Width of the Gaussian before differences are taken, in voxels of the finest spacing.
    pub fine_voxels: f64,
    /// Cost of a boundary of one voxel's length where the image is flat.
    pub lambda: f64,
    /// Differences that halve the cost, in median differences inside the object.
    pub contrast: f64,
    /// Width of the Gaussian for outlines, in voxels of the finest spacing.
    pub outline_voxels: f64,
    /// Gradients that count as an edge, in median gradients inside the object.
    pub outline_contrast: f64,
}

/// How a box is trusted. Offsets of its sides are measured in units of their spread, inward
/// positive.
#[derive(Debug, Clone, Copy)]
pub struct BoxSettings {
    /// Spread of a side, as a share of the box's size.
    pub spread: f64,
    /// Spread of a side, in voxels.
    pub spread_voxels: f64,
    /// Distance between tried offsets.
    pub step: f64,
    /// Offsets tried outwards and inwards.
    pub tried: [i32; 2],
    /// Share of boxes that are drawn loosely all round.
    pub loose_share: f64,
    /// Mean inward offset of a loose box's sides.
    pub loose_mean: f64,
    /// Spread of what its sides have in common.
    pub loose_common: f64,
    /// Spread of each side about that.
    pub loose_own: f64,
    /// Cost of a squared tilt of the ellipse in the box.
    pub tilt: f64,
    /// What an outline's mean edge support weighs.
    pub edge_weight: f64,
    /// What an outline's mean log-likelihood ratio weighs.
    pub region_weight: f64,
    /// Divides the evidence, because neighbouring voxels repeat each other.
    pub temperature: f64,
}

/// The solve of one slice.
#[derive(Debug, Clone)]
pub struct SliceSettings {
    /// Region around the box, as a share of its size.
    pub margin: f64,
    /// Histograms.
    pub appearance: AppearanceSettings,
    /// Contrast.
    pub edge: EdgeSettings,
    /// The box.
    pub bounds: BoxSettings,
    /// Weight of the appearance.
    pub data: f64,
    /// Gradients at which an intensity is half trusted, in median gradients inside the object.
    pub mixed_contrast: f64,
    /// Weight of the outline's log odds.
    pub prior: f64,
    /// Weight of the fall from the ellipse's centre to its outline.
    pub falloff: f64,
    /// Least and greatest prior.
    pub prior_limits: [f64; 2],
    /// Normalised radius of the core that always belongs to the object.
    pub core: f64,
    /// How often the appearance is learned again from the mask.
    pub rounds: usize,
}

/// How an outline is followed into neighbouring slices. Lengths are in radii of the outline.
#[derive(Debug, Clone, Copy)]
pub struct TrackSettings {
    /// What mean edge support weighs.
    pub edge_weight: f64,
    /// What the mean log-likelihood ratio weighs.
    pub region_weight: f64,
    /// Evidence per area that the object must show to be there.
    pub bias: f64,
    /// Radius along the stack of the ball whose sections the outline is expected to follow.
    pub cap: f64,
    /// Share of steps that keep their section, as those of a tube do.
    pub tube: f64,
    /// Rate of ending.
    pub hazard: f64,
    /// Spread of the logarithm of the scale over one radius.
    pub scale_spread: f64,
    /// The same for growth, as a share of that for shrinkage.
    pub growth: f64,
    /// Spread of the shift over one radius.
    pub shift_spread: f64,
    /// Distance between tried shifts.
    pub shift_step: f64,
    /// Largest tried scale.
    pub largest: f64,
}

/// The solve of a volume.
#[derive(Debug, Clone)]
pub struct VolumeSettings {
    /// Region around the outlines, as a share of their size.
    pub margin: f64,
    /// How far beyond the outermost key slice the object is followed, in radii.
    pub reach: f64,
    /// Histograms.
    pub appearance: AppearanceSettings,
    /// Contrast.
    pub edge: EdgeSettings,
    /// Following.
    pub track: TrackSettings,
    /// Weight of the appearance.
    pub data: f64,
    /// Weight of the shape.
    pub prior: f64,
    /// Distance from the outline over which the shape's weight is reached, in radii.
    pub soft: f64,
    /// Least and greatest prior.
    pub prior_limits: [f64; 2],
    /// Outward bias of the shape, in radii. The ensemble varies it.
    pub inflate: f64,
    /// Voxels that one flow network may hold; larger regions are solved coarser first.
    pub max_nodes: usize,
}

impl Default for SliceSettings {
    fn default() -> Self {
        Self {
            margin: 0.4,
            appearance: AppearanceSettings {
                n_bins: 48,
                coarse_voxels: 1.0,
                smoothing_bins: 1.0,
                limit: 4.0,
            },
            edge: EdgeSettings {
                fine_voxels: 0.6,
                lambda: 5.0,
                contrast: 6.0,
                outline_voxels: 1.2,
                outline_contrast: 1.5,
            },
            bounds: BoxSettings {
                spread: 0.055,
                spread_voxels: 1.0,
                step: 0.8,
                tried: [2, 3],
                loose_share: 0.4,
                loose_mean: 2.0,
                loose_common: 0.8,
                loose_own: 0.5,
                tilt: 4.0,
                edge_weight: 20.0,
                region_weight: 13.0,
                temperature: 1.5,
            },
            data: 0.9,
            mixed_contrast: 5.0,
            prior: 1.2,
            falloff: 2.0,
            prior_limits: [-4.0, 3.0],
            core: 0.35,
            rounds: 3,
        }
    }
}

impl Default for VolumeSettings {
    fn default() -> Self {
        let slice = SliceSettings::default();
        Self {
            margin: 0.4,
            reach: 3.0,
            appearance: slice.appearance,
            edge: EdgeSettings { lambda: 4.0, ..slice.edge },
            track: TrackSettings {
                edge_weight: 18.0,
                region_weight: 6.0,
                bias: 4.0,
                cap: 1.4,
                tube: 0.15,
                hazard: 0.3,
                scale_spread: 0.35,
                growth: 0.5,
                shift_spread: 0.2,
                shift_step: 0.14,
                largest: 1.12,
            },
            data: 0.7,
            prior: 1.5,
            soft: 0.3,
            prior_limits: [-5.0, 2.5],
            inflate: 0.0,
            max_nodes: 3_000_000,
        }
    }
}
