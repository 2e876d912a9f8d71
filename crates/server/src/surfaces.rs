//! Surfaces of objects, for the page and for files.

use std::sync::Arc;

use protocol::job::Image;
use volume::{
    Affine, Grid,
    surface::{Mesh, SurfaceOptions},
};

use crate::{error::ApiError, measures::Chosen, state::Server};

/// Surfaces that a browser turns without a graphics card.
pub(crate) const SHOWN: SurfaceOptions =
    SurfaceOptions { n_smoothings: 40, max_triangles: 250_000 };

impl Server {
    /// The surface of one object of a mask.
    ///
    /// # Errors
    /// If the server is stopping.
    pub(crate) async fn surface(
        &self,
        chosen: &Chosen,
        label: u8,
        options: SurfaceOptions,
    ) -> Result<Mesh, ApiError> {
        let labelmap = Arc::clone(&chosen.labelmap);
        let grid = grid(&chosen.job.summary.image);
        Ok(tokio::task::spawn_blocking(move || {
            volume::surface::surface(&labelmap, &grid, label, &options)
        })
        .await?)
    }
}

/// Where an image's voxels lie.
pub(crate) fn grid(image: &Image) -> Grid {
    Grid {
        shape: image.shape.map(|it| it as usize),
        ras_from_voxel: Affine { rows: image.ras_from_voxel },
    }
}
