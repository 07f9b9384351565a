drop table curiosity_minds;
drop table curiosity_gaps;
