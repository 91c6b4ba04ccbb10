-- Since when each server means what it does is packed apart from all else that it said, so that a
-- new answer can be compared with it without unpacking the former one.
UPDATE domain
SET resolvers = spells_apart(resolvers), authorities = spells_apart(authorities);
