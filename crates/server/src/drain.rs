//! What is left of a request's body when it was refused is read, up to a limit. Over HTTP/2 a stream is
//! reset whose body nobody reads, and clients such as curl 7.88 lose the answer with it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::Version,
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};

/// Most that is read for nothing: a larger body is cut off.
const MAX_BYTES: u64 = 16 << 20;

/// Longest time that it may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Has bodies of HTTP/2 read that nobody wants.
pub(crate) async fn read_the_rest(request: Request, next: Next) -> Response {
    if request.version() != Version::HTTP_2 {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Drained(Some(body))))).await
}

/// A body that is read to its end when it is dropped.
struct Drained(Option<Body>);

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if matches!(frame, None | Some(Err(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|it| !it.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(MAX_TIME, drain(body)));
    }
}

async fn drain(mut body: Body) {
    let mut n_bytes = 0;
    while n_bytes <= MAX_BYTES {
        let frame = std::future::poll_fn(|it| Pin::new(&mut body).poll_frame(it)).await;
        let Some(Ok(frame)) = frame else { return };
        n_bytes += frame.data_ref().map_or(0, |it| it.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt, stream};
    use tokio::sync::mpsc;

    use super::*;

    /// A body of so many mebibytes that tells of each that is read.
    fn body(n: usize) -> (Body, mpsc::UnboundedReceiver<usize>) {
        let (tell, read) = mpsc::unbounded_channel();
        let pieces = stream::iter(1..=n).map(move |it| {
            tell.send(it).ok();
            Ok::<_, Infallible>(Bytes::from(vec![0; 1 << 20]))
        });
        (Body::from_stream(pieces), read)
    }

    async fn n_read(mut read: mpsc::UnboundedReceiver<usize>) -> usize {
        let mut last = 0;
        while let Some(it) = read.recv().await {
            last = it;
        }
        last
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_is_read_to_its_end_unless_it_is_large() {
        for (n, expected) in [(3, 3), (100, 17)] {
            let (whole, read) = body(n);
            drop(Drained(Some(whole)));
            assert_eq!(n_read(read).await, expected);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_wanted_arrives_as_it_is() {
        let (whole, _read) = body(2);
        let bytes = axum::body::to_bytes(Body::new(Drained(Some(whole))), usize::MAX).await;
        assert_eq!(bytes.unwrap().len(), 2 << 20);
    }
}
