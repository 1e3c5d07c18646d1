-- Ends the asker's link for a new password: it was made for who had forgotten the one that is replaced.
create function end_password_links() returns void
language sql volatile security definer set search_path = public, pg_temp
begin atomic
    delete from password_links where user_id = heddle_user();
end;
revoke execute on function end_password_links() from public;
grant execute on function end_password_links() to heddle_app;
