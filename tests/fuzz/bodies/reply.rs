//! The reply reader: any split of the bytes gives the same replies, within the bounds.

use smtp_exporter::smtp::reader::{DIALOGUE_BYTES, LINE_BYTES, REPLY_BYTES};
use smtp_exporter::smtp::{BadReply, Reply, ReplyReader};

/// The first byte says how the rest is cut into pieces.
pub fn run(data: &[u8]) {
    let ([size], bytes) = super::choices(data);
    let whole = read(bytes, bytes.len().max(1));
    let pieces = read(bytes, usize::from(size).max(1));
    assert_eq!(whole, pieces, "the split is seen");
    // One byte at a time, where that is not too slow.
    if bytes.len() < 4096 {
        assert_eq!(whole, read(bytes, 1), "the split is seen");
    }
    for reply in &whole.0 {
        check(reply);
    }
}

/// Everything that a peer said, and how it ended. What an error shows of a start depends on how much
/// was there, so it is left out.
type Everything = (Vec<Reply>, Option<BadReply>);

fn read(bytes: &[u8], size: usize) -> Everything {
    let mut reader = ReplyReader::default();
    let mut replies = Vec::new();
    let mut pushed = 0;
    for piece in bytes.chunks(size) {
        reader.push(piece);
        pushed += piece.len();
        loop {
            match reader.take() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(bad) => {
                    assert_eq!(reader.take(), Err(bad.clone()), "the error does not stay");
                    assert_eq!(reader.buffered(), 0, "a reader of no use keeps bytes");
                    return (replies, Some(without_text(bad)));
                }
            }
        }
        assert_eq!(reader.received(), pushed.min(DIALOGUE_BYTES));
        assert!(reader.buffered() <= LINE_BYTES, "more than a line waits");
        assert!(reader.inside_reply() || reader.buffered() == 0);
    }
    (replies, None)
}

fn without_text(bad: BadReply) -> BadReply {
    match bad {
        BadReply::NoCode(shown) => {
            super::assert_one_line(&shown);
            assert!(shown.len() <= 4 * 48, "{shown}");
            BadReply::NoCode(String::new())
        }
        other => other,
    }
}

fn check(reply: &Reply) {
    assert!((200..600).contains(&reply.code) && !reply.lines.is_empty(), "{reply:?}");
    let length: usize = reply.lines.iter().map(String::len).sum();
    assert!(length <= 3 * REPLY_BYTES, "{length} bytes");
    for line in &reply.lines {
        assert!(!line.contains('\n') && !line.ends_with('\r'), "{line:?}");
    }
    if let Some(enhanced) = reply.enhanced {
        assert_eq!(u16::from(enhanced.class), reply.code / 100);
        assert!(enhanced.subject < 1000 && enhanced.detail < 1000);
    }
    // What it says on the wire is the same reply again, unless signs that were put in the place of
    // spoilt bytes make it longer than a reply can be.
    let wire: Vec<String> = reply.wire_lines().map(|line| line + "\r\n").collect();
    let fits = wire.iter().all(|line| line.len() <= LINE_BYTES);
    let wire = wire.concat();
    if fits && wire.len() + reply.lines.len() <= REPLY_BYTES {
        assert_eq!(read(wire.as_bytes(), wire.len()), (vec![reply.clone()], None));
    }
}
