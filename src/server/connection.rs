//! One connection: bytes in chunks of any size enter, responses in order leave.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use zeroize::Zeroize;

use super::admission::Slot;
use super::answer::{Answer, Peer};
use super::deadline::Deadline;
use super::end::End;
use super::limits::ServerLimits;
use super::meters;
use super::read_ahead::ReadAhead;
use super::response::{failure, refuse};
use super::service::Service;
use super::tls::HANDSHAKE;
use super::words;
use crate::accounts::Caller;
use crate::protocol::{
    Command, Fault, Framing, MessageKind, MessageView, Request, Response, frame, judge_beginning,
};

/// After a last response, how many bytes from the peer are still read and dropped, so that the system does not answer
/// them with a reset that would destroy the response.
const LINGER_OCTETS: usize = 64 * 1024;
/// Requests in a row that are refused before the connection is closed.
const REFUSALS: u32 = 10;
/// The longest time for this.
const LINGER: Duration = Duration::from_secs(2);

/// A connection being served.
pub struct Connection<'a, S> {
    /// Where bytes come from and responses go to.
    pub stream: S,
    /// Who is at the other end.
    pub peer: Peer,
    /// What answers.
    pub service: &'a Service,
    /// For whom passwords are hashed.
    pub caller: Caller,
    /// What knows whether the connection is idle.
    pub slot: &'a Slot,
    /// The limits.
    pub limits: &'a ServerLimits,
    /// Whether to refuse every request because the connection is not encrypted.
    pub refuse_plain: bool,
    /// Requests answered.
    pub answered: u64,
    /// Responses to requests that arrived together, which are sent together.
    pub unsent: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// Answers requests until the peer, a limit or a shutdown, of which `stop` tells, ends the connection.
    pub async fn serve(&mut self, mut stop: watch::Receiver<bool>) -> End {
        let stopped = pin!(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        });
        match self.exchange(stopped).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn exchange(
        &mut self,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End, End> {
        let mut buffer = ReadAhead::new(self.limits.read_ahead);
        let mut deadline = Deadline::new(Instant::now() + self.limits.idle);
        // When the request at the front of the buffer must be complete.
        let mut due: Option<Instant> = None;
        let mut refused = 0;
        loop {
            match frame(buffer.filled(), MessageKind::Request) {
                Framing::Complete(len) => {
                    let request = match Request::decode(&buffer.filled()[..len]) {
                        Ok(request) => request,
                        Err(error) => return self.refuse(&buffer, &error).await,
                    };
                    if self.refuse_plain {
                        let response = failure(request.action, words::TLS_REQUIRED);
                        self.send(&response).await?;
                        self.linger().await;
                        return Ok(End::Plain);
                    }
                    buffer.consume(len);
                    due = None;
                    if !self.slot.begins() {
                        return Ok(End::MadeRoom);
                    }
                    let answer = self.answer(request, &mut buffer).await?;
                    self.unsent.extend(answer.response.encode());
                    self.answered += 1;
                    refused = if answer.refused { refused + 1 } else { 0 };
                    if refused >= REFUSALS {
                        self.flush().await?;
                        self.linger().await;
                        return Ok(End::Throttled);
                    }
                }
                Framing::Invalid(error) => return self.refuse(&buffer, &error).await,
                Framing::Need(_) => {
                    let answered = !self.unsent.is_empty();
                    self.flush().await?;
                    let now = Instant::now();
                    if answered {
                        self.slot.rests(now.into_std());
                    }
                    let started = !buffer.filled().is_empty();
                    deadline.set(if started {
                        *due.get_or_insert(now + self.limits.request)
                    } else {
                        now + self.limits.idle
                    });
                    match self
                        .read(&mut buffer, &mut deadline, stopped.as_mut())
                        .await
                    {
                        Ok(0) if started => {
                            return Ok(End::InRequest(judge_beginning(buffer.filled())));
                        }
                        Ok(0) => return Ok(End::ByPeer),
                        Ok(_) => {}
                        Err(End::Idle) if started => return self.too_slow(&buffer).await,
                        Err(end) => return Err(end),
                    }
                }
            }
        }
    }

    /// Reads what is there, or waits for it until the deadline or a shutdown.
    async fn read(
        &mut self,
        buffer: &mut ReadAhead,
        deadline: &mut Deadline,
        stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<usize, End> {
        let read = tokio::select! {
            // What has arrived is answered, even if the server is to stop.
            biased;
            read = self.stream.read(buffer.room()) => read.or_else(end_of_tls).map_err(End::Broken)?,
            () = stopped => return Err(End::Shutdown),
            () = deadline.passed() => return Err(End::Idle),
        };
        buffer.took(read);
        Ok(read)
    }

    /// Answers a request, and reads ahead in the meantime. If the connection breaks, the request is withdrawn. A
    /// client that has closed its side may be gone, or may still read: TCP does not tell which, so its request waits
    /// behind those of others at its address.
    async fn answer(&mut self, request: Request, buffer: &mut ReadAhead) -> Result<Answer, End> {
        let (service, caller) = (self.service, self.caller.clone());
        let mut answer = pin!(service.answer(self.peer, request, &caller));
        // A response that is ready at once is sent with the responses before it; these wait for nothing else.
        if let Some(answer) = at_once(answer.as_mut()).await {
            return Ok(answer);
        }
        self.flush().await?;
        let mut ended = false;
        while !ended && !buffer.is_full() {
            let read = self.stream.read(buffer.room());
            let read = tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                read = read => read.or_else(end_of_tls).map_err(End::Broken)?,
            };
            buffer.took(read);
            ended = read == 0;
        }
        if ended {
            caller.leaves();
        }
        Ok(answer.await)
    }

    /// Sends a response, behind those that wait to be sent.
    async fn send(&mut self, response: &Response) -> Result<(), End> {
        self.unsent.extend(response.encode());
        self.flush().await
    }

    /// Sends the responses that wait to be sent, if there are any.
    async fn flush(&mut self) -> Result<(), End> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let (stream, unsent) = (&mut self.stream, &self.unsent);
        let mut sending = pin!(async {
            stream.write_all(unsent).await?;
            stream.flush().await
        });
        // Nearly always the system takes them at once, and no timer is needed.
        let sent = match at_once(sending.as_mut()).await {
            Some(sent) => sent,
            None => timeout(self.limits.request, sending)
                .await
                .map_err(|_| End::NotReading)?,
        };
        self.unsent.clear();
        sent.map_err(End::Broken)
    }

    async fn refuse(&mut self, buffer: &ReadAhead, fault: &Fault) -> Result<End, End> {
        match refuse(buffer.filled(), fault) {
            Some(response) => self.send(&response).await?,
            None => self.flush().await?,
        }
        self.linger().await;
        meters::invalid_request();
        Ok(match buffer.filled().first() {
            Some(&HANDSHAKE) => End::Refused("it looks like TLS, which is off here".into()),
            _ => End::Refused(fault.to_string()),
        })
    }

    async fn too_slow(&mut self, buffer: &ReadAhead) -> Result<End, End> {
        let command = MessageView::new(buffer.filled()).command();
        if let Some(action) = command.and_then(Command::action) {
            self.send(&failure(action, words::TOO_SLOW)).await?;
            self.linger().await;
        }
        Ok(End::TooSlow(judge_beginning(buffer.filled())))
    }

    /// Says that nothing more will be sent, and drops what the peer still sends.
    async fn linger(&mut self) {
        let drop_rest = async {
            self.stream.shutdown().await?;
            let mut dropped = 0;
            let mut octets = [0; 1024];
            while dropped < LINGER_OCTETS {
                match self.stream.read(&mut octets).await? {
                    0 => break,
                    read => dropped += read,
                }
            }
            octets.zeroize();
            io::Result::Ok(())
        };
        // Errors do not matter here: the connection is closed next.
        let _ = timeout(LINGER, drop_rest).await;
    }
}

/// The result of a future, if it need not be waited for.
async fn at_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// A TLS client that closes without `close_notify` is treated like a plain client that closes.
fn end_of_tls(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Ok(0)
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::task::Context;

    use tokio::io::{DuplexStream, ReadBuf};

    use super::super::accept::Config;
    use super::super::admission::Admission;
    use super::*;
    use crate::accounts::{Accounts, Hashing, HashingError, Job};
    use crate::protocol::layout::RESPONSE_LEN;
    use crate::protocol::{Action, Password, UserName};

    /// Hashes nothing.
    struct Nobody;

    impl Hashing for Nobody {
        fn submit(&self, _job: Job) -> Result<(), HashingError> {
            Err(HashingError::Stopped)
        }
    }

    /// Counts how often it is written to.
    struct Counted {
        stream: DuplexStream,
        writes: usize,
    }

    impl AsyncRead for Counted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes += 1;
            Pin::new(&mut self.stream).poll_write(context, octets)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(context)
        }
    }

    /// What the server makes of these bytes before its client closes: what it sent, in how many
    /// writes, and why it ended.
    async fn served(octets: &[u8]) -> (Vec<u8>, usize, End) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwd");
        let (accounts, _) = Accounts::open(&path, Arc::new(Nobody), false, &mut |_| {}).unwrap();
        let limits = ServerLimits {
            failures: 0,
            ..ServerLimits::DEFAULT
        };
        let config = Config {
            limits,
            ..Config::default()
        };
        let service = Service::new(Arc::new(accounts), &config);
        let place = Admission::new(1).enter(1).await;
        let (mut client, stream) = tokio::io::duplex(1 << 16);
        let (_stop, stop) = watch::channel(false);
        let mut connection = Connection {
            stream: Counted { stream, writes: 0 },
            peer: Peer {
                connection: 1,
                address: (Ipv4Addr::LOCALHOST, 1).into(),
            },
            service: &service,
            caller: service.caller(Ipv4Addr::LOCALHOST.into()),
            slot: place.slot(),
            limits: &config.limits,
            refuse_plain: false,
            answered: 0,
            unsent: Vec::new(),
        };
        client.write_all(octets).await.unwrap();
        client.shutdown().await.unwrap();
        let end = connection.serve(stop).await;
        let writes = connection.stream.writes;
        drop(connection);
        let mut answers = Vec::new();
        client.read_to_end(&mut answers).await.unwrap();
        (answers, writes, end)
    }

    fn requests(count: usize) -> Vec<u8> {
        let request = |n: usize| {
            Request {
                action: Action::Login,
                user_name: UserName::new(format!("nobody{n}")).unwrap(),
                password: Password::new("secret").unwrap(),
            }
            .encode()
            .as_ref()
            .to_vec()
        };
        (0..count).flat_map(request).collect()
    }

    #[tokio::test]
    async fn what_is_answered_at_once_leaves_in_one_write() {
        let (answers, writes, end) = served(&requests(5)).await;
        assert_eq!((answers.len(), writes), (5 * RESPONSE_LEN, 1));
        assert!(matches!(end, End::ByPeer), "{end}");
    }

    #[tokio::test]
    async fn what_was_answered_is_sent_before_a_connection_ends() {
        let no_request = [0, 0, 0, 73, 0, 0, 0, 2];
        let octets = [requests(3), no_request.to_vec()].concat();
        let (answers, _, end) = served(&octets).await;
        assert_eq!(answers.len(), 3 * RESPONSE_LEN);
        assert!(matches!(end, End::Refused(_)), "{end}");
        let (answers, _, end) = served(&[requests(2), vec![0, 0, 0, 58]].concat()).await;
        assert_eq!(answers.len(), 2 * RESPONSE_LEN);
        assert!(matches!(end, End::InRequest(_)), "{end}");
    }
}
