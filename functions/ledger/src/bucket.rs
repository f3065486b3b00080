//! An in-memory ledger for unit tests.

use aws_sdk_s3::{
    Client,
    operation::{
        complete_multipart_upload::CompleteMultipartUploadOutput, create_multipart_upload::CreateMultipartUploadOutput,
        get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output, put_object::PutObjectOutput,
        upload_part::UploadPartOutput,
    },
    primitives::ByteStream,
    types::Object,
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::Ledger;

/// The objects of a ledger, by key.
pub type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Creates a ledger, and returns its objects too.
pub fn bucket() -> (Ledger, Objects) {
    let (objects, parts) = (Objects::default(), Arc::new(Mutex::new(Vec::<u8>::new())));
    let (there, read, listed) = (objects.clone(), objects.clone(), objects.clone());
    let (finished, coming) = (objects.clone(), parts.clone());
    let put = mock!(Client::put_object).then_compute_output(move |request| {
        let body = request.body().bytes().unwrap().to_vec();
        there.lock().unwrap().insert(request.key().unwrap().to_owned(), body);
        PutObjectOutput::builder().build()
    });
    let list = mock!(Client::list_objects_v2).then_compute_output(move |request| {
        let known = listed.lock().unwrap();
        let found = known.keys().find(|key| key.starts_with(request.prefix().unwrap()));
        let found = found.map(|key| Object::builder().key(key).build());
        ListObjectsV2Output::builder().set_contents(Some(found.into_iter().collect())).build()
    });
    let get = mock!(Client::get_object).then_compute_output(move |request| {
        let object = read.lock().unwrap()[request.key().unwrap()].clone();
        GetObjectOutput::builder().body(ByteStream::from(object)).build()
    });
    let create = mock!(Client::create_multipart_upload)
        .then_output(|| CreateMultipartUploadOutput::builder().upload_id("upload").build());
    let part = mock!(Client::upload_part).then_compute_output(move |request| {
        coming.lock().unwrap().extend(request.body().bytes().unwrap());
        UploadPartOutput::builder().e_tag(format!("tag-{}", request.part_number().unwrap())).build()
    });
    let complete = mock!(Client::complete_multipart_upload).then_compute_output(move |request| {
        let parts_named = request.multipart_upload().unwrap().parts().iter().map(|part| part.part_number().unwrap());
        assert!(parts_named.eq(1..=request.multipart_upload().unwrap().parts().len() as i32));
        finished.lock().unwrap().insert(request.key().unwrap().to_owned(), std::mem::take(&mut parts.lock().unwrap()));
        CompleteMultipartUploadOutput::builder().build()
    });
    let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&put, &get, &list, &create, &part, &complete]);
    (Ledger::new(s3, "ledger".into()), objects)
}
