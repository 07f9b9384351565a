-- after: 0042_pre_inference_cache
-- An activation in the chunk store goes with its tensor; yesterday's code wrote none.

alter table activation_cache add constraint activation_cache_tensor
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id) on delete cascade not valid;
alter table activation_cache validate constraint activation_cache_tensor;
