-- For the sqlite3 shell: joins, recursion, triggers, views, windows, virtual tables, JSON, text search, errors.
.bail off
.headers on
create table person(id integer primary key, name text not null, born int check(born > 1800), boss references person(id));
with recursive n(i) as (select 1 union all select i + 1 from n where i < 300)
  insert into person select i, printf('name %03d', i * 7919 % 1000), 1900 + i % 100, nullif(i / 3, 0) from n;
create index by_name on person(name collate nocase, born desc);
create table log(what, at);
create trigger on_update after update on person when old.name <> new.name begin
  insert into log select old.name || ' -> ' || new.name, count(*) from log;
  update person set born = born + 1 where id = new.boss and born < 1999;
end;
update person set name = upper(name) where id % 7 = 0;
select count(*), min(what), max(at), sum(born) from log, person where person.id = 3;
create view chain as with recursive up(id, boss, depth) as (select id, boss, 0 from person union all
  select up.id, p.boss, depth + 1 from up join person p on p.id = up.boss) select id, max(depth) as depth from up group by id;
select depth, count(*), group_concat(id, ',') from chain where id < 40 group by depth order by depth desc;
select a.name, b.name, c.name from person a join person b on b.id = a.boss left join person c on c.id = b.boss
  where a.name like '%1_' and b.name glob '*[0-4]' or a.id in (select max(id) from person group by born % 5) order by 1, 2, 3 limit 20;
select born, count(*) over w, sum(id) over (w rows between 2 preceding and current row), lag(name, 1, '-') over w, ntile(4) over w
  from person where id <= 15 window w as (partition by born % 3 order by born, id);
with recursive q(n, board) as (select 0, '' union all select n + 1, board || c.x from q, (with recursive x(x) as
  (select 1 union all select x + 1 from x where x < 6) select x from x) c where n < 6 and not exists (with recursive k(k) as
  (select 1 union all select k + 1 from k where k < 6) select 1 from k where k <= n and (substr(board, k, 1) = c.x or
  abs(substr(board, k, 1) - c.x) = n + 1 - k))) select board from q where n = 6;
select json_group_array(json_object('id', id, 'name', name, 'more', json_array(born, null, 1.5))) from person where id < 4;
select key, value, type, fullkey from json_tree('{"a":[1,{"b":[true,null,"x"]}],"c":{"d":2e3}}') order by fullkey;
select json_extract(json_set('{"a":1}', '$.b', json('[1,2]')), '$.b[#-1]'), json_patch('{"a":1}', '{"a":null,"z":3}');
create virtual table words using fts5(title, body, tokenize = 'porter unicode61');
insert into words select name, 'the quick brown fox ' || id || ' jumps over lazy dogs number ' || (id % 17) from person;
select count(*) from words where words match 'jumping AND (dog* OR cat) NOT 5';
select snippet(words, 1, '[', ']', '..', 5), round(bm25(words), 6) from words where words match 'body: fox NEAR(number 16)' order by rank, rowid limit 3;
create virtual table old_words using fts4(body);
insert into old_words select body from words limit 50;
select offsets(old_words) from old_words where old_words match '"brown fox" 7*' limit 3;
create virtual table boxes using rtree(id, x0, x1, y0, y1);
insert into boxes select id, id, id + 10, born, born + 5 from person;
select count(*), sum(id) from boxes where x0 > 20 and x1 < 90 and y0 between 1930 and 1980;
begin; savepoint one; delete from person where id > 100; savepoint two; drop table log; rollback to one; release one; commit;
select count(*), total(born) from person;
alter table person rename column born to year;
alter table person add column note default 'none';
insert into person(id, name, year) values (1, 'twice', 1950) on conflict(id) do update set note = excluded.name returning id, note, year;
insert into person(id, name, year) values (999, 'too old', 1700);
select no_such_column from person;
selec 1;
select abs(-9223372036854775808);
explain query plan select * from person p, boxes b where p.id = b.id and p.name = 'x' and b.x0 > 5;
select sql from sqlite_schema where name like 'p%' or name like 'on%' order by name;
select hex(zeroblob(4)), typeof(1 / 2.0), strftime('%Y-%m-%d', 0, 'unixepoch', '+1 month'), unicode('€'), quote(x'00ff'), 7 << 2, instr('abc', 'c');
select printf('%.3f|%-10s|%+d|%x', 3.14159, 'left', 5, 255), replace('aXbX', 'X', '--'), trim('  x '), soundex is null from (select 1 as soundex);
attach ':memory:' as other;
create table other.copy as select id, name from person order by name limit 30;
select count(*), min(name), max(name) from other.copy except select 0, '', '';
reindex; analyze; vacuum;
select tbl, idx from sqlite_stat1 where tbl = 'person';
pragma integrity_check;
pragma foreign_key_list(person);
.schema words
.dump other_table_that_is_not_there
.mode box
select id, name, note from person where id < 4;
