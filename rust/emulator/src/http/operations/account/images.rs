//! [List Supported Images](https://learn.microsoft.com/rest/api/batchservice/account/list-supported-images)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::{ListRules, one_group, page};
use crate::http::reply::Reply;
use crate::http::views::image;
use crate::wire::filter;

const RULES: ListRules = ListRules {
    kind: "supportedimages",
    id: "imageReference/publisher,imageReference/offer,imageReference/sku",
    group: one_group,
    filter: filter::IMAGE,
    select: None,
};

pub(super) fn run(call: &Call) -> Result<Reply> {
    call.allow_query(&["$filter", "maxresults", "$skiptoken"])?;
    page(call, image::all(), &RULES)
}
