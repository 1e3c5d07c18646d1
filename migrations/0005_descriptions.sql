-- What images say of themselves, for the policies that ask for it.

alter table tags
    add column created_at timestamptz,
    -- Empty where the image names none.
    add column platforms text[],
    -- When created_at and platforms were read; null where nobody asked.
    add column described_at timestamptz,
    -- When we first saw that the tag points to its digest; null where it did so when we first looked.
    add column moved_at timestamptz;
