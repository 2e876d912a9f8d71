//! "Open sample": a phantom of an abdomen in CT, for people without an image at hand.

use protocol::job::{JobCreated, Modality};

use crate::{error::ApiError, incoming, jobs::Upload, person::Person, state::Server};

const FILE_NAME: &str = "sample-ct-abdomen.nii.gz";

impl Server {
    /// Makes the sample and opens it as a job. The same bytes each time, so it is stored once.
    pub(crate) async fn open_sample(&self, person: &Person) -> Result<JobCreated, ApiError> {
        let bytes = tokio::task::spawn_blocking(volume::phantom::sample_file)
            .await?
            .map_err(|it| ApiError::internal(&it))?;
        let stream = futures::stream::iter([Ok::<_, std::convert::Infallible>(bytes.into())]);
        let incoming = incoming::receive(self.blobs.temporary(), stream, u64::MAX).await?;
        let name = Some("CT abdomen (sample)".to_owned());
        let file_name = FILE_NAME.to_owned();
        let upload = Upload { incoming, file_name, name, modality: Some(Modality::Ct) };
        self.create_job(upload, person).await
    }
}
