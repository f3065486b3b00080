//! An emulator of EC2 with 100,000 volumes, each with 20 tags, and 500,000 managed snapshots. It generates each page on request.

use form_urlencoded::parse;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    convert::Infallible,
    fmt::Write,
    ops::Range,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// Number of volumes, two on each server.
pub const VOLUMES: usize = 100_000;
/// The Nights of the snapshots. Each volume has one snapshot of each.
pub const NIGHTS: [&str; 5] = ["2026-05-20", "2026-05-19", "2026-05-18", "2026-05-17", "2026-05-16"];
/// At the end of a successful run, one in this many volumes has no snapshot, and one in this many expired snapshots is still listed.
pub const RARE: usize = 10_000;

/// The point of the run whose state EC2 returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// No snapshot of the Night exists yet.
    Start,
    /// Each volume has its snapshot of the Night, and nothing is deleted yet.
    Snapshotted,
    /// The expired snapshots are deleted. All volumes but a few have their snapshot.
    End,
    /// Every CreateSnapshot failed, so the state is that of [`Point::Start`].
    EndWithoutSnapshots,
}

/// A running emulator on a free port.
pub struct Region {
    pub url: String,
    state: Arc<Mutex<(Point, usize)>>,
}

impl Region {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new((Point::Start, 0)));
        let region = Self { url, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = state.clone();
                let service = service_fn(move |request| answer(request, state.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        region
    }

    /// Moves the run to a point. Returns the number of calls since the last move.
    pub fn move_to(&self, point: Point) -> usize {
        let mut state = self.state.lock().expect("a lock");
        std::mem::replace(&mut *state, (point, 0)).1
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<(Point, usize)>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let call: HashMap<_, _> = parse(&body).into_owned().collect();
    let point = {
        let mut state = state.lock().expect("a lock");
        state.1 += 1;
        state.0
    };
    let action = &call["Action"];
    let text = format!("<{action}Response>{}</{action}Response>", page(action, &call, point));
    Ok(Response::builder().header("content-type", "text/xml").body(Full::new(text.into())).expect("an answer"))
}

fn page(action: &str, call: &HashMap<String, String>, point: Point) -> String {
    match action {
        "DescribeRegions" => "<regionInfo><item><regionName>us-east-1</regionName></item></regionInfo>".to_owned(),
        "DescribeInstances" => items("reservationSet", call, VOLUMES / 2, instance),
        "DescribeVolumes" => match values(call, "volume-id").as_slice() {
            [] => items("volumeSet", call, VOLUMES, volume),
            asked => {
                let mut text = "<volumeSet>".to_owned();
                asked.iter().for_each(|id| volume(&mut text, number_of(id)));
                text + "</volumeSet>"
            }
        },
        "DescribeSnapshots" => {
            let night = |name: &str| NIGHTS.iter().position(|night| *night == name).expect("one of the Nights");
            match values(call, "tag:Night").first().copied().map(night) {
                Some(age) => items("snapshotSet", call, VOLUMES, |text, number| snapshot(text, number, age, point)),
                None => items("snapshotSet", call, VOLUMES * NIGHTS.len(), |text, number| {
                    snapshot(text, number / NIGHTS.len(), number % NIGHTS.len(), point);
                }),
            }
        }
        other => panic!("the functions are not known to call {other}"),
    }
}

/// Returns the values of a filter, or an empty list if it is not set.
fn values<'a>(call: &'a HashMap<String, String>, name: &str) -> Vec<&'a str> {
    let mut filters = (1..).map_while(|number| Some((number, call.get(&format!("Filter.{number}.Name"))?)));
    let Some((number, _)) = filters.find(|(_, known)| *known == name) else { return Vec::new() };
    (1..).map_while(|value| call.get(&format!("Filter.{number}.Value.{value}")).map(String::as_str)).collect()
}

/// Returns a page of a list of this many items. The token is the number of the first item.
fn items(set: &str, call: &HashMap<String, String>, count: usize, item: impl Fn(&mut String, usize)) -> String {
    let number = |name: &str| call.get(name).and_then(|text| text.parse::<usize>().ok());
    let first = number("NextToken").unwrap_or(0);
    let page: Range<usize> = first..(first + number("MaxResults").expect("a page's size")).min(count);
    let next = if page.end < count { format!("<nextToken>{}</nextToken>", page.end) } else { String::new() };
    let mut text = format!("<{set}>");
    page.for_each(|number| item(&mut text, number));
    text + &format!("</{set}>{next}")
}

fn instance(text: &mut String, number: usize) {
    let disk = |volume: usize| format!("<item><ebs><volumeId>{}</volumeId></ebs></item>", volume_id(volume));
    let _ = write!(
        text,
        "<item><instancesSet><item><instanceId>i-{number:017x}</instanceId><blockDeviceMapping>{}{}</blockDeviceMapping>\
         <tagSet>{}</tagSet></item></instancesSet></item>",
        disk(2 * number),
        disk(2 * number + 1),
        tag("Name", &format!("server-{number}")),
    );
}

fn volume(text: &mut String, number: usize) {
    let (id, server) = (volume_id(number), number / 2);
    let _ = write!(
        text,
        "<item><volumeId>{id}</volumeId><size>8</size><availabilityZone>us-east-1a</availabilityZone><status>in-use</status>\
         <attachmentSet><item><volumeId>{id}</volumeId><instanceId>i-{server:017x}</instanceId><device>/dev/xvda</device>\
         <status>attached</status></item></attachmentSet><tagSet>{}</tagSet><volumeType>gp3</volumeType><iops>3000</iops>\
         <throughput>125</throughput></item>",
        volume_tags(number)
    );
}

/// Writes the snapshot of a volume, if it exists at this point. The age is in Nights.
fn snapshot(text: &mut String, volume: usize, age: usize, point: Point) {
    let is_tonight = age == 0;
    let is_rare = volume.is_multiple_of(RARE);
    let exists = match point {
        Point::Start | Point::EndWithoutSnapshots => !is_tonight,
        Point::Snapshotted => true,
        Point::End => is_tonight != is_rare || (0 < age && age < NIGHTS.len() - 1),
    };
    if !exists {
        return;
    }
    let identity = [("BackupStack", "bench"), ("Night", NIGHTS[age]), ("Interval", "Daily"), ("Intervals", "Daily")];
    let volume_id = volume_id(volume);
    let restore = [
        ("SnapshotOf", volume_id.as_str()),
        ("RestoreAs", "type=gp3 iops=3000 throughput=125 zone=us-east-1a device=/dev/xvda"),
    ];
    let tags: String = identity.iter().chain(&restore).map(|(key, value)| tag(key, value)).collect();
    let _ = write!(
        text,
        "<item><snapshotId>snap-{:017x}</snapshotId><volumeId>{}</volumeId><volumeSize>8</volumeSize><status>{}</status>\
         <startTime>{}T04:31:00.000Z</startTime><tagSet>{tags}{}</tagSet></item>",
        volume * NIGHTS.len() + age,
        volume_id,
        if is_tonight { "pending" } else { "completed" },
        NIGHTS[age],
        volume_tags(volume),
    );
}

/// Returns the 20 tags of a volume.
fn volume_tags(number: usize) -> String {
    let others = (1..20).map(|other| tag(&format!("team:tag-{other}"), &format!("value {other} of {number}")));
    tag("Name", &format!("disk-{number}")) + &others.collect::<String>()
}

fn tag(key: &str, value: &str) -> String {
    format!("<item><key>{key}</key><value>{value}</value></item>")
}

fn volume_id(number: usize) -> String {
    format!("vol-{number:017x}")
}

fn number_of(volume_id: &str) -> usize {
    usize::from_str_radix(volume_id.trim_start_matches("vol-"), 16).expect("one of the volumes")
}
