-- Which file holds the rule of an occurrence: a policy may stand beside the image.

alter table occurrences add column rule_file text;
update occurrences set rule_file = '.heddle.yaml' where rule_line is not null;
