//! YAML as a tree in which every value knows where it was written.
//!
//! # Why
//!
//! A typed deserializer stops at the first value of the wrong type and forgets how a scalar was
//! spelt, so it can neither report all problems at once nor tell `025` from `25` or a password
//! `007` from 7. The tree keeps each scalar's text; what it means is decided by the key it stands
//! at. Size, depth and the number of values are bounded, aliases included.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use secrecy::zeroize::Zeroize;
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::Problem;
use super::text::{self, printable, small};

/// One value and its place.
#[derive(Clone)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// The file as it was named, or the environment variable.
    pub(super) file: Arc<str>,
    /// Line and column from 1; none when it came from the environment.
    pub(super) place: Option<(u32, u32)>,
}

/// What was written.
#[derive(Clone)]
pub(super) enum Value {
    /// Nothing, `null` or `~`.
    Null {
        /// True for `null` and `~`, false for nothing at all.
        stated: bool,
    },
    /// Anything without parts.
    Scalar(String),
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping: key, the key's place, value. Each key once.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Rc<str>,
    /// Where the key stands.
    pub(super) key_place: Option<(u32, u32)>,
    /// Its value.
    pub(super) node: Rc<Node>,
}

impl Drop for Node {
    /// Any value may be a password.
    fn drop(&mut self) {
        if let Value::Scalar(text) = &mut self.value {
            text.zeroize();
        }
    }
}

impl Node {
    /// The value in words, for a message about another that was expected. Never shows text,
    /// because that may be a secret at the wrong key.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null { .. } => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The value at `key`, for a map.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    /// Puts `leaf` at `path`, making maps on the way. False when something that is not a map is
    /// in the way.
    pub(super) fn set(&mut self, path: &[&str], leaf: Self) -> bool {
        let Some((first, rest)) = path.split_first() else {
            *self = leaf;
            return true;
        };
        if matches!(self.value, Value::Null { .. }) {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else { return false };
        if let Some(entry) = entries.iter_mut().find(|entry| &*entry.key == *first) {
            return Rc::make_mut(&mut entry.node).set(rest, leaf);
        }
        let mut made =
            Self { value: Value::Map(Vec::new()), file: leaf.file.clone(), place: leaf.place };
        let done = made.set(rest, leaf);
        entries.push(Entry { key: Rc::from(*first), key_place: None, node: Rc::new(made) });
        done
    }
}

/// Reads one YAML document. Problems that leave the structure sound (a duplicate key, an unknown
/// tag) are pushed and the tree is still given, so that the rest can be checked too.
pub(super) fn parse(bytes: &[u8], file: &Arc<str>, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut fail = |place, message: String| {
        problems.push(Problem { file: file.to_string(), place, path: String::new(), message });
        None
    };
    if bytes.len() > MAX_BYTES {
        return fail(None, format!("is larger than {} MiB", MAX_BYTES >> 20));
    }
    let text = match text::decode(bytes) {
        Ok(text) => text,
        Err((place, message)) => return fail(place, message),
    };
    Builder::new(file.clone(), problems).run(text)
}

/// A collection that is not closed yet.
struct Frame {
    place: (u32, u32),
    /// Written with brackets.
    flow: bool,
    anchor: usize,
    /// Values counted when it was opened: what it costs to repeat it.
    counted: usize,
    list: Vec<Rc<Node>>,
    map: Option<MapFrame>,
}

#[derive(Default)]
struct MapFrame {
    entries: Vec<Entry>,
    index: HashMap<Rc<str>, usize>,
    key: Option<(Key, (u32, u32))>,
    merged: Vec<Rc<Node>>,
}

enum Key {
    Text(Rc<str>),
    Merge,
    /// A key that was already reported; its value is dropped.
    Bad,
}

struct Builder<'p> {
    file: Arc<str>,
    problems: &'p mut Vec<Problem>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    count: usize,
    root: Option<Rc<Node>>,
}

impl<'p> Builder<'p> {
    fn new(file: Arc<str>, problems: &'p mut Vec<Problem>) -> Self {
        Self { file, problems, stack: Vec::new(), anchors: HashMap::new(), count: 0, root: None }
    }

    fn problem(&mut self, place: (u32, u32), message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file.to_string(),
            place: Some(place),
            path: String::new(),
            message: message.into(),
        });
    }

    fn run(mut self, text: &str) -> Option<Node> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH + 1,
            block_nesting_limit: MAX_DEPTH + 1,
        };
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = error.marker();
                    let place = (small(at.line()), small(at.col() + 1));
                    let info = error.info();
                    if info.contains("recursion limit") {
                        self.problem(place, format!("more than {MAX_DEPTH} levels deep"));
                    } else {
                        let hint = self.hint(&info);
                        self.problem(place, format!("not YAML: {info}{hint}"));
                    }
                    return None;
                }
            };
            let place = (small(span.start.line()), small(span.start.col() + 1));
            let sound = match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        self.problem(
                            place,
                            "a second document begins here; one file is one \
                                             document, so remove this `---` or `...`",
                        );
                    }
                    documents == 1
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.check_tag(tag.as_deref(), place);
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    // The parser writes `~` where nothing stands.
                    let text = if span.is_empty() && plain { Cow::Borrowed("") } else { text };
                    self.scalar(text, plain, anchor, place)
                }
                Event::SequenceStart(style, anchor, tag) => {
                    self.check_tag(tag.as_deref(), place);
                    self.open(anchor, place, style, None)
                }
                Event::MappingStart(style, anchor, tag) => {
                    self.check_tag(tag.as_deref(), place);
                    self.open(anchor, place, style, Some(MapFrame::default()))
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(),
                Event::Alias(anchor) => self.alias(anchor, place),
                _ => true,
            };
            if !sound {
                return None;
            }
        }
        let root = self.root.take();
        self.anchors.clear();
        Some(match root {
            Some(root) => Rc::try_unwrap(root).unwrap_or_else(|shared| (*shared).clone()),
            None => {
                Node { value: Value::Null { stated: false }, file: self.file, place: Some((1, 1)) }
            }
        })
    }

    /// What the parser can't know: where the mistake may really be.
    fn hint(&self, info: &str) -> String {
        match self.stack.last() {
            Some(frame) if frame.flow && !info.contains("unclosed") => {
                let (line, column) = frame.place;
                format!("; is the bracket of {line}:{column} closed?")
            }
            _ if info.contains("expected") => {
                "; look at the indentation here and in the lines above".to_owned()
            }
            _ => String::new(),
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, place: (u32, u32)) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            let said = printable(&tag.original());
            self.problem(place, format!("the tag `{said}` means nothing here; remove it"));
        }
    }

    /// Counts one more value, or `more` of them.
    fn grow(&mut self, more: usize, place: (u32, u32)) -> bool {
        self.count = self.count.saturating_add(more);
        if self.count > MAX_VALUES {
            self.problem(
                place,
                format!("the file holds more than {MAX_VALUES} values, aliases written out"),
            );
            return false;
        }
        true
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        plain: bool,
        anchor: usize,
        place: (u32, u32),
    ) -> bool {
        if !self.grow(1, place) {
            return false;
        }
        let value = match &*text {
            "" if plain => Value::Null { stated: false },
            "~" | "null" | "Null" | "NULL" if plain => Value::Null { stated: true },
            _ => Value::Scalar(text.into_owned()),
        };
        let merge = plain && matches!(&value, Value::Scalar(text) if text == "<<");
        let node = Rc::new(Node { value, file: self.file.clone(), place: Some(place) });
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), 1));
        }
        self.put(node, merge);
        true
    }

    fn open(
        &mut self,
        anchor: usize,
        place: (u32, u32),
        style: StructureStyle,
        map: Option<MapFrame>,
    ) -> bool {
        let flow = style == StructureStyle::Flow;
        let counted = self.count;
        self.stack.push(Frame { place, flow, anchor, counted, list: Vec::new(), map });
        if self.stack.len() > MAX_DEPTH {
            self.problem(place, format!("more than {MAX_DEPTH} levels deep"));
            return false;
        }
        self.grow(1, place)
    }

    fn close(&mut self) -> bool {
        let Some(frame) = self.stack.pop() else { return true };
        let value = match frame.map {
            None => Value::List(frame.list),
            Some(map) => Value::Map(merge(map)),
        };
        let node = Rc::new(Node { value, file: self.file.clone(), place: Some(frame.place) });
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (node.clone(), self.count - frame.counted));
        }
        self.put(node, false);
        true
    }

    fn alias(&mut self, anchor: usize, place: (u32, u32)) -> bool {
        let Some((node, cost)) = self.anchors.get(&anchor).cloned() else {
            self.problem(place, "this alias stands inside the value that it repeats");
            return false;
        };
        if !self.grow(cost, place) {
            return false;
        }
        self.put(node, false);
        true
    }

    /// Adds a finished value to the collection that is open, as key or as value.
    fn put(&mut self, node: Rc<Node>, merge: bool) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        let Some(map) = &mut frame.map else {
            frame.list.push(node);
            return;
        };
        let place = node.place.unwrap_or((1, 1));
        let mut complaint = None;
        match map.key.take() {
            None => {
                let key = match &node.value {
                    Value::Scalar(_) if merge => Key::Merge,
                    Value::Scalar(text) => Key::Text(Rc::from(text.as_str())),
                    _ => {
                        complaint = Some((place, format!("{} can't be a key", node.kind())));
                        Key::Bad
                    }
                };
                map.key = Some((key, place));
            }
            Some((Key::Bad, _)) => {}
            Some((Key::Merge, at)) => match &node.value {
                Value::Map(_) => map.merged.push(node),
                Value::List(list) if list.iter().all(|n| matches!(n.value, Value::Map(_))) => {
                    map.merged.extend(list.iter().cloned());
                }
                _ => {
                    complaint =
                        Some((at, "`<<` merges maps, so its value must be an alias of one".into()));
                }
            },
            Some((Key::Text(key), at)) => {
                if let Some(first) = map.index.get(&key).and_then(|i| map.entries.get(*i)) {
                    let line = first.key_place.map_or(0, |(line, _)| line);
                    complaint = Some((
                        at,
                        format!("`{}` is stated twice, first in line {line}", printable(&key)),
                    ));
                } else {
                    map.index.insert(key.clone(), map.entries.len());
                    map.entries.push(Entry { key, key_place: Some(at), node });
                }
            }
        }
        if let Some((place, message)) = complaint {
            self.problem(place, message);
        }
    }
}

/// A map's own keys, then those of what it merges, the first word winning.
fn merge(map: MapFrame) -> Vec<Entry> {
    let MapFrame { mut entries, mut index, merged, .. } = map;
    for other in merged {
        let Value::Map(others) = &other.value else { continue };
        for entry in others {
            if !index.contains_key(&entry.key) {
                index.insert(entry.key.clone(), entries.len());
                entries.push(entry.clone());
            }
        }
    }
    entries
}

/// The largest file that is read.
pub(super) const MAX_BYTES: usize = 4 << 20;
/// The most values in one file, aliases counted as often as they are used.
const MAX_VALUES: usize = 400_000;
/// The most collections inside each other.
const MAX_DEPTH: usize = 32;
