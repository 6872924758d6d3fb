//! [Get Pool](https://learn.microsoft.com/rest/api/batchservice/pools/get-pool)

use crate::error::Result;
use crate::http::call::Call;
use crate::http::list::select;
use crate::http::reply::Reply;
use crate::http::views::pool::{PROPERTIES, render};
use crate::service::Service;

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&["$select", "$expand"])?;
    // Pools have no statistics here.
    call.expands_statistics()?;
    let pool = service.pool(id)?;
    call.conditions()?.check_read(&pool.version)?;
    let properties = select(call, render(&pool, &call.endpoint), Some(PROPERTIES))?;
    Ok(Reply::resource(properties, &call.endpoint, "pools/@Element").version(&pool.version))
}
