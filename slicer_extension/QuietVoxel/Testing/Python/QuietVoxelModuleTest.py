"""Runs inside Slicer: the module opens, binds its parameters, and survives a scene that closes under it."""

import unittest

import slicer


class QuietVoxelModuleTest(unittest.TestCase):
    """What needs the application; the logic is tested in the repository, under tests/slicer."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        slicer.util.selectModule("QuietVoxel")
        self.widget = slicer.modules.quietvoxel.widgetRepresentation().self()

    def test_the_module_explains_itself_or_is_ready(self):
        missing = self.widget.ui.setupBox.visible
        self.assertNotEqual(missing, self.widget.ui.denoiseSection.enabled)
        self.assertEqual(missing, bool(self.widget.ui.setupLabel.text))

    def test_parameters_are_bound_both_ways(self):
        parameters = self.widget.logic.getParameterNode()
        self.widget.ui.blendSlider.value = 40
        self.assertEqual(parameters.blend, 40)
        parameters.livePreview = False
        self.assertFalse(self.widget.ui.previewBox.checked)

    def test_a_scene_may_close_while_the_module_is_open(self):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
        self.widget.ui.inputSelector.setCurrentNode(node)
        slicer.mrmlScene.Clear()
        self.assertFalse(self.widget.panel.session.run.busy)

    def test_the_views_give_their_mouse_for_the_curtain(self):
        from QuietVoxelLib.qt_views import slice_interactors

        for view, interactor in slice_interactors():
            self.assertTrue(view.IsA("vtkMRMLSliceNode"))
            self.assertTrue(interactor.IsA("vtkRenderWindowInteractor"))
            self.assertIsNotNone(interactor.GetRenderWindow().GetRenderers().GetFirstRenderer())

    def test_phantoms_are_among_the_sample_data(self):
        import SampleData

        names = [source.sampleName for source in slicer.modules.sampleDataSources["QuietVoxel"]]
        self.assertEqual(names, ["QuietVoxel CT phantom", "QuietVoxel MR phantom"])
        self.assertTrue(hasattr(SampleData, "SampleDataLogic"))


if __name__ == "__main__":
    unittest.main()
