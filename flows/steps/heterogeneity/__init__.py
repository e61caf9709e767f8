"""Steps on response phases and on how unlike a patient's lesions are."""
