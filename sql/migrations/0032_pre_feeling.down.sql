drop function feelings_at(timestamptz);
drop function feeling_moved(double precision[], double precision[]);
drop function feeling_after(double precision[], double precision[], double precision);
drop table feelings_history;
drop table avatar_feelings;
