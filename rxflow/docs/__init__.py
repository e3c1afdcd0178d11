"""The docs that come out of the code's own tables, and the contracts saved per release.

python -m rxflow.docs                  render docs/ again
python -m rxflow.docs --check          say which files are not what the code says
python -m rxflow.docs release 0.2.0    save today's contracts for a release
"""
