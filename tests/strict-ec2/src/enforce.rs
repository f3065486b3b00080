//! The rules, one method for each API that has any. Other calls go to the upstream unchanged.

use std::time::Instant;

use crate::{
    Call,
    answer::{Answer, take_items, text, write},
    fault::throttled,
    pages::page_size_error,
    rules::Rules,
    server::Server,
};

impl Server {
    /// Answers a call under the rules.
    pub async fn enforce(&self, call: &Call) -> Answer {
        let now = self.now();
        let rules = {
            let mut state = self.state();
            let rules = state.rules.clone();
            if rules.throttle.is_some_and(|throttle| !state.buckets.take(call, throttle, now)) {
                return throttled();
            }
            rules
        };
        if call.get("DryRun") == Some("true") {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Answer::error(412, "DryRunOperation", message);
        }
        match call.action.as_str() {
            "CreateSnapshot" => self.create_snapshot(call, &rules, now).await,
            "DeleteSnapshot" => self.delete_snapshot(call).await,
            "CreateVolume" => self.create_volume(call, &rules, now).await,
            "AttachVolume" => self.attach_volume(call, now).await,
            "CreateTags" => self.create_tags(call, &rules, now).await,
            "DescribeSnapshots" => self.list(call, &rules, "snapshotSet").await,
            "DescribeVolumes" => self.list(call, &rules, "volumeSet").await,
            _ => self.forward(call, &call.parameters).await,
        }
    }

    async fn create_snapshot(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let volume = call.volume_id().unwrap_or_default();
        let kind = if rules.limit_pending { self.volume_type(call, volume).await } else { String::new() };
        if let Err(refusal) = self.state().snapshots.start(volume, &kind, rules, now) {
            return refusal;
        }
        let answer = self.forward(call, &call.parameters).await;
        let Some(mut created) = answer.document() else {
            self.state().snapshots.cancel_start(volume);
            return answer;
        };
        self.state().snapshots.record(&mut created, rules, now);
        Answer::Http { status: 200, body: write(&created) }
    }

    /// Returns the type of a volume. The upstream is called once for each volume.
    async fn volume_type(&self, call: &Call, volume: &str) -> String {
        if let Some(kind) = self.state().volume_types.get(volume) {
            return kind.clone();
        }
        let describe = [("Action", "DescribeVolumes"), ("Version", "2016-11-15"), ("VolumeId.1", volume)];
        let describe = describe.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = self.forward(call, &describe).await.document();
        let item = answer.as_ref().and_then(|answer| answer.get_child("volumeSet")?.get_child("item"));
        let kind = item.map(|item| text(item, "volumeType")).unwrap_or_default();
        self.state().volume_types.insert(volume.to_owned(), kind.clone());
        kind
    }

    async fn delete_snapshot(&self, call: &Call) -> Answer {
        let snapshot = call.snapshot_id().unwrap_or_default();
        let refusal = self.state().snapshots.deletion_error(snapshot);
        if let Some(refusal) = refusal {
            return refusal;
        }
        let answer = self.forward(call, &call.parameters).await;
        if answer.is_success() {
            let now = self.now();
            self.state().snapshots.record_deletion(snapshot, now);
        }
        answer
    }

    async fn create_volume(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let _creating = self.creating_volume.lock().await;
        let earlier = self.state().volumes.earlier_answer(call);
        match earlier {
            Some(Ok(answer)) => return Answer::Http { status: 200, body: write(&answer) },
            Some(Err(refusal)) => return refusal,
            None => {}
        }
        let snapshot = call.snapshot_id().unwrap_or_default();
        let refusal = self.state().snapshots.restore_error(snapshot, now);
        if let Some(refusal) = refusal {
            return refusal;
        }
        let answer = self.forward(call, &call.parameters).await;
        let Some(mut created) = answer.document() else { return answer };
        self.state().volumes.record(call, &mut created, rules, now);
        Answer::Http { status: 200, body: write(&created) }
    }

    async fn attach_volume(&self, call: &Call, now: Instant) -> Answer {
        let _attaching = self.attaching_volume.lock().await;
        let refusal = self.state().volumes.attachment_error(call.volume_id().unwrap_or_default(), now);
        if let Some(refusal) = refusal {
            return refusal;
        }
        let device = call.get("Device").unwrap_or_default();
        if self.is_device_taken(call, device).await {
            let message =
                format!("Invalid value '{device}' for unixDevice. Attachment point {device} is already in use");
            return Answer::error(400, "InvalidParameterValue", &message);
        }
        self.forward(call, &call.parameters).await
    }

    /// Returns whether a volume is attached to the instance under this device name.
    async fn is_device_taken(&self, call: &Call, device: &str) -> bool {
        let filters =
            [("attachment.instance-id", call.get("InstanceId").unwrap_or_default()), ("attachment.device", device)];
        let mut parameters = vec![("Action".to_owned(), "DescribeVolumes".to_owned())];
        for (number, (name, value)) in (1..).zip(filters) {
            parameters.push((format!("Filter.{number}.Name"), name.to_owned()));
            parameters.push((format!("Filter.{number}.Value.1"), value.to_owned()));
        }
        let volumes = self.forward(call, &parameters).await.document();
        volumes.is_some_and(|answer| answer.get_child("volumeSet").is_some_and(|set| !set.children.is_empty()))
    }

    async fn create_tags(&self, call: &Call, rules: &Rules, now: Instant) -> Answer {
        let tagged = call.parameters.iter().filter(|(name, _)| name.starts_with("ResourceId."));
        let hidden = {
            let state = self.state();
            tagged.map(|(_, id)| id).find(|id| state.snapshots.is_hidden(id, rules, now)).cloned()
        };
        match hidden {
            Some(id) => Answer::error(400, "InvalidSnapshot.NotFound", &format!("The snapshot '{id}' does not exist.")),
            None => self.forward(call, &call.parameters).await,
        }
    }

    /// Lists snapshots or volumes in pages.
    async fn list(&self, call: &Call, rules: &Rules, set: &str) -> Answer {
        if let Some(refusal) = page_size_error(call) {
            return refusal;
        }
        if let Some(token) = call.get("NextToken").filter(|token| !token.is_empty()) {
            return self.state().pages.resume(token, call, rules);
        }
        let answer = self.forward(call, &call.unpaged_parameters()).await;
        let Some(mut frame) = answer.document() else { return answer };
        let items = frame.get_mut_child(set).map(take_items).unwrap_or_default();
        let now = self.now();
        let mut state = self.state();
        let items = match call.action.as_str() {
            "DescribeSnapshots" => state.snapshots.list(items, call, rules, now),
            _ => state.volumes.list(items, call, now),
        };
        state.pages.begin(frame, set, items, call, rules)
    }
}
