-- Forgets what has ended and serves nobody any more.
create function sweep_ended() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from sessions where expires_at < now() or last_used_at < now() - interval '7 days';
    delete from github_sign_ins where created_at < now() - interval '10 minutes';
    delete from tokens where expires_at < now() - interval '30 days';
    delete from invitations where expires_at < now() - interval '30 days';
    delete from bootstrap_tokens where expires_at < now() - interval '30 days';
    delete from attempts where at < now() - interval '1 day';
end;
