"""The CSMSs that ours is measured against, each as small as its library lets it be."""
