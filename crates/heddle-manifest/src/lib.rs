//! Reads manifest text with places, finds images and policies, changes one value and no other byte. Pure.
