"""Review: screening and the pharmacist's review of every issued prescription (处方审核)."""
