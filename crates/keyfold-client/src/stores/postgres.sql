-- Encrypted indexes of Keyfold in PostgreSQL 13 or newer, plain or of Supabase. Run it once, as the owner of the
-- database; on Supabase in the SQL editor.
--
-- Policies decide who reads and writes rows. They protect what is there from who is no member; that nothing in it is
-- forged or read does not depend on them, or on the database.

begin;

-- Who may use the tables at all. `grant keyfold_member to alice;`
do $$ begin
  create role keyfold_member nologin;
exception when duplicate_object then null;
end $$;

-- Who speaks for many users, and is believed when it names one: a server in front, such as PostgREST. Whoever can
-- log in as a member of this role is every user, so it is for services alone.
do $$ begin
  create role keyfold_gateway nologin;
exception when duplicate_object then null;
end $$;

-- Who tells the tables who is a member of what: a Keyfold server (`keyfold serve --members`).
do $$ begin
  create role keyfold_clerk nologin;
exception when duplicate_object then null;
end $$;

-- Who is asking. Whoever logs in himself is who he logged in as, whatever he sets: anybody may set a setting. A
-- gateway's user is whom the token names that it checked (Supabase), or `keyfold.user`.
create function public.keyfold_user() returns text
language sql stable set search_path = '' as $$
  select case
    when pg_catalog.pg_has_role(session_user, 'keyfold_gateway', 'member') then coalesce(
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
      nullif(current_setting('keyfold.user', true), '')
    )
    else session_user::text
  end
$$;

-- Who is a member of what: filled by the operator, or by a server that he lets. A scope is the name of one storage, such as a keychain's id.
create table public.keyfold_members (
  scope text not null,
  user_id text not null,
  may_write boolean not null default false,
  primary key (scope, user_id)
);
create index keyfold_members_of_user on public.keyfold_members (user_id);

create table public.keyfold_objects (
  scope text not null,
  id bytea not null check (octet_length(id) = 32),
  bytes bytea not null check (octet_length(bytes) <= 4194304),
  stored_at timestamptz not null default clock_timestamp(),
  primary key (scope, id)
);
-- What is encrypted does not become shorter.
alter table public.keyfold_objects alter column bytes set storage external;

create table public.keyfold_references (
  scope text not null,
  name text not null check (octet_length(name) <= 200),
  version uuid not null,
  bytes bytea not null check (octet_length(bytes) <= 65536),
  primary key (scope, name)
);
alter table public.keyfold_references alter column bytes set storage external;

-- A version never comes back, also after a backup was restored, and no writer chooses it.
create function public.keyfold_new_version() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.version := gen_random_uuid();
  return new;
end $$;
create trigger keyfold_new_version before insert or update on public.keyfold_references
  for each row execute function public.keyfold_new_version();

alter table public.keyfold_members enable row level security;
alter table public.keyfold_objects enable row level security;
alter table public.keyfold_references enable row level security;

create policy keyfold_own on public.keyfold_members for select to keyfold_member
  using (user_id = (select public.keyfold_user()));
create policy keyfold_tell on public.keyfold_members to keyfold_clerk using (true) with check (true);

create policy keyfold_read on public.keyfold_objects for select to keyfold_member
  using (scope in (select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user())));
create policy keyfold_add on public.keyfold_objects for insert to keyfold_member
  with check (scope in (
    select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user()) and m.may_write
  ));
-- There is none for changing objects: they never change.
create policy keyfold_sweep on public.keyfold_objects for delete to keyfold_member
  using (scope in (
    select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user()) and m.may_write
  ));

create policy keyfold_read on public.keyfold_references for select to keyfold_member
  using (scope in (select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user())));
create policy keyfold_add on public.keyfold_references for insert to keyfold_member
  with check (scope in (
    select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user()) and m.may_write
  ));
create policy keyfold_swap on public.keyfold_references for update to keyfold_member
  using (scope in (
    select m.scope from public.keyfold_members m where m.user_id = (select public.keyfold_user()) and m.may_write
  ));

grant usage on schema public to keyfold_member;
grant select on public.keyfold_members, public.keyfold_objects, public.keyfold_references to keyfold_member;
grant usage on schema public to keyfold_clerk;
grant select, insert, update, delete on public.keyfold_members to keyfold_clerk;
grant insert (scope, id, bytes), delete on public.keyfold_objects to keyfold_member;
grant insert (scope, name, bytes), update (bytes) on public.keyfold_references to keyfold_member;

-- Supabase: its roles get every right on a new table, among them to empty it, which no policy sees.
do $$ begin
  if exists (select from pg_roles where rolname = 'authenticated') then
    revoke all on public.keyfold_members, public.keyfold_objects, public.keyfold_references from anon, authenticated;
    grant keyfold_member to authenticated;
    grant keyfold_gateway to authenticator;
  end if;
end $$;

commit;
