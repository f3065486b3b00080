//! A bucket in memory, for the unit tests.

use aws_sdk_s3::{
    Client,
    operation::{
        complete_multipart_upload::CompleteMultipartUploadOutput,
        create_multipart_upload::CreateMultipartUploadOutput,
        get_object::GetObjectOutput,
        put_object::{PutObjectError, PutObjectOutput},
        upload_part::UploadPartOutput,
    },
    primitives::ByteStream,
};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::Ledger;

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A ledger, and the objects in it.
pub fn bucket() -> (Ledger, Objects) {
    let (objects, parts) = (Objects::default(), Arc::new(Mutex::new(Vec::<u8>::new())));
    let (there, read, finished, coming) = (objects.clone(), objects.clone(), objects.clone(), parts.clone());
    let put = mock!(Client::put_object).then_compute_response(move |request| {
        let mut there = there.lock().unwrap();
        let key = request.key().unwrap().to_owned();
        if request.if_none_match().is_some() && there.contains_key(&key) {
            let metadata = aws_sdk_s3::error::ErrorMetadata::builder().code("PreconditionFailed").build();
            return MockResponse::Error(PutObjectError::generic(metadata));
        }
        there.insert(key, request.body().bytes().unwrap().to_vec());
        MockResponse::Output(PutObjectOutput::builder().build())
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
    let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&put, &get, &create, &part, &complete]);
    (Ledger::new(s3, "ledger".into()), objects)
}
