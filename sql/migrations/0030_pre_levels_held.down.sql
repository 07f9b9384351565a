alter table user_affinity drop column level_history, drop column absence_took;
