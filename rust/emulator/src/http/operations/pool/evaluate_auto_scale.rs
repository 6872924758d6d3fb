//! [Evaluate Pool Auto Scale](https://learn.microsoft.com/rest/api/batchservice/pools/evaluate-pool-auto-scale)

use super::url;
use crate::error::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::http::views::pool::auto_scale_run;
use crate::service::Service;
use crate::wire::pool::AutoScaleEvaluate;

const KIND: &str = "Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun";

pub(in crate::http::operations) fn run(call: &Call, service: &Service, id: &str) -> Result<Reply> {
    call.allow_query(&[])?;
    let given: AutoScaleEvaluate = call.model()?;
    let run = service.evaluate_auto_scale(id, &given.auto_scale_formula)?;
    let url = format!("{}/evaluateautoscale", url(call, id));
    Ok(Reply::resource(auto_scale_run(&run), &call.endpoint, KIND).service_id(&url))
}
