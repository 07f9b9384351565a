drop index llm_models_artifact;
alter table llm_models drop column default_artifact_id;
drop table model_artifacts;
drop table transformer_layers;
drop table model_deployments;
drop table models;
