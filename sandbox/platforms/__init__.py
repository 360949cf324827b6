"""The data that the sandbox's platforms hold of their people, behind bearer tokens and quotas."""
